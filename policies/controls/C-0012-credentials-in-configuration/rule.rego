package controls.c0012

import rego.v1

import data.lib.collections
import data.lib.credentials
import data.lib.exposed_credentials
import data.lib.fields
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

# binaryData is base64, in which patterns for plain values match by chance.
is_binary_credential(name, value) if {
	is_string(value)
	is_certain_binary(name, value)
	not is_allowed_value(value)
}

is_certain_binary(_, value) if credentials.is_encoded_private_key(value)

is_certain_binary(name, value) if {
	value != ""
	credentials.has_credential_name(name, input.params.sensitiveKeyNames)
	not is_allowed_name(name)
}

is_allowed_name(name) if exposed_credentials.mentions(name, input.params.sensitiveKeyNamesAllowed)

is_allowed_value(value) if exposed_credentials.matches(value, input.params.sensitiveValuesAllowed)

# Messages contain the name of the field with the credential, never its value.
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

deny contains finding if {
	input.object.kind == "ConfigMap"
	some key, value in collections.map(object.get(input.object, ["data"], {}))
	is_credential(key, value)
	finding := {
		"message": sprintf("the ConfigMap has what looks like a credential in the key %s", [key]),
		"paths": [fields.entry("data", key)],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ConfigMap"
	some key, value in collections.map(object.get(input.object, ["binaryData"], {}))
	is_binary_credential(key, value)
	finding := {
		"message": sprintf("the ConfigMap has what looks like a credential in the key %s", [key]),
		"paths": [fields.entry("binaryData", key)],
		"fixes": [],
	}
}
