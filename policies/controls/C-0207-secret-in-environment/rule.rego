package controls.c0207

import rego.v1

import data.lib.collections
import data.lib.workload

name_of(variable) := variable.name if is_string(variable.name)

else := "without a name"

deny contains finding if {
	some container in workload.containers
	some i, variable in collections.list(object.get(container.spec, ["env"], []))
	is_object(variable.valueFrom.secretKeyRef)
	finding := {
		"message": sprintf("container %s gets a Secret as its environment variable %s", [container.name, name_of(variable)]),
		"paths": [workload.at(container, sprintf("env[%d].name", [i]))],
		"fixes": [],
	}
}

deny contains finding if {
	some container in workload.containers
	some i, source in collections.list(object.get(container.spec, ["envFrom"], []))
	is_object(source.secretRef)
	finding := {
		"message": sprintf("container %s gets every entry of a Secret as environment variables", [container.name]),
		"paths": [workload.at(container, sprintf("envFrom[%d].secretRef", [i]))],
		"fixes": [],
	}
}
