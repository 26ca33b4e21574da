package controls.c0295

import rego.v1

import data.lib.collections
import data.lib.workload

# Another variable of the container has the name.
is_repeated(container, i, name) if {
	some j, other in collections.list(object.get(container.spec, ["env"], []))
	other.name == name
	j != i
}

deny contains finding if {
	some container in workload.containers
	some i, variable in collections.list(object.get(container.spec, ["env"], []))
	is_string(variable.name)
	is_repeated(container, i, variable.name)
	finding := {
		"message": sprintf("container %s sets the environment variable %s more than once: the last value counts", [container.name, variable.name]),
		"paths": [workload.at(container, sprintf("env[%d].name", [i]))],
		"fixes": [],
	}
}
