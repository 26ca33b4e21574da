package controls.k0007

import rego.v1

import data.lib.collections
import data.lib.credentials
import data.lib.fields
import data.lib.strings
import data.lib.workload

# Messages contain the name of the field, never its value. What C-0012 finds is not found here.
may_be_credential(name, value) if {
	is_string(name)
	is_string(value)
	credentials.is_possible(name, value, input.params.sensitiveKeyNames)
	not is_allowed_name(name)
	not is_known_value(value)
}

is_allowed_name(name) if {
	some part in input.params.sensitiveKeyNamesAllowed
	strings.contains_ignore_case(name, part)
}

is_known_value(value) if {
	some pattern in input.params.sensitiveValues
	regex.match(pattern, value)
}

is_known_value(value) if {
	some pattern in input.params.sensitiveValuesAllowed
	regex.match(pattern, value)
}

deny contains finding if {
	some container in workload.containers
	some i, variable in collections.list(object.get(container.spec, ["env"], []))
	may_be_credential(variable.name, variable.value)
	finding := {
		"message": sprintf("container %s may have a credential in its environment variable %s", [container.name, variable.name]),
		"paths": [
			workload.at(container, sprintf("env[%d].value", [i])),
			workload.at(container, sprintf("env[%d].name", [i])),
		],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ConfigMap"
	some key, value in collections.map(object.get(input.object, ["data"], {}))
	may_be_credential(key, value)
	finding := {
		"message": sprintf("the ConfigMap may have a credential in the key %s", [key]),
		"paths": [fields.entry("data", key)],
		"fixes": [],
	}
}
