package controls.c0259

import rego.v1

import data.lib.collections
import data.lib.exposed_credentials
import data.lib.workload

is_credential(name, value) if {
	exposed_credentials.is_credential(
		name,
		value,
		input.params.sensitiveKeyNames,
		input.params.sensitiveKeyNamesAllowed,
		input.params.sensitiveValues,
		input.params.sensitiveValuesAllowed,
	)
}

# Messages contain the name of the variable, never its value.
deny contains finding if {
	some container in workload.containers
	some i, variable in collections.list(object.get(container.spec, ["env"], []))
	is_credential(variable.name, variable.value)
	finding := {
		"message": sprintf("container %s has what looks like a credential in its environment variable %s", [container.name, variable.name]),
		"paths": [
			workload.at(container, sprintf("env[%d].value", [i])),
			workload.at(container, sprintf("env[%d].name", [i])),
		],
		"fixes": [],
	}
}

deny contains finding if {
	some container in workload.containers
	some i, source in collections.list(object.get(container.spec, ["envFrom"], []))
	is_object(source.secretRef)
	finding := {
		"message": sprintf("container %s takes every entry of a Secret into its environment", [container.name]),
		"paths": [workload.at(container, sprintf("envFrom[%d].secretRef", [i]))],
		"fixes": [],
	}
}
