package controls.c0012

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.strings
import data.lib.workload

# Messages contain the name of the field with the credential, never its value.
is_credential(name, value) if {
	is_string(name)
	is_string(value)
	value != ""
	is_suspicious(name, value)
	not is_allowed(name, value)
}

is_suspicious(name, _) if is_suspicious_name(name)

is_suspicious(_, value) if {
	some pattern in input.params.sensitiveValues
	regex.match(pattern, value)
}

is_suspicious(_, value) if is_encoded_private_key(value)

is_suspicious_name(name) if {
	some part in input.params.sensitiveKeyNames
	strings.contains_ignore_case(name, part)
}

# The base64 form of "-----BEGIN PRIVATE KEY", also with RSA, EC, DSA, OPENSSH and ENCRYPTED.
is_encoded_private_key(value) if {
	regex.match(`^LS0tLS1CRUdJTi(BQUklWQVRFIEtF|BSU0EgUFJJVkFURSBL|BFQyBQUklWQVRFIEtF|BEU0EgUFJJVkFURSBL|BPUEVOU1NIIFBSSVZBVEUgS0|BFTkNSWVBURUQgUFJJVkFURSBL)`, value)
}

# binaryData is base64, in which patterns for plain values match by chance.
is_binary_credential(name, value) if {
	is_string(value)
	value != ""
	is_suspicious_name(name)
	not is_allowed(name, value)
}

is_binary_credential(name, value) if {
	is_encoded_private_key(value)
	not is_allowed(name, value)
}

is_allowed(name, _) if {
	some part in input.params.sensitiveKeyNamesAllowed
	strings.contains_ignore_case(name, part)
}

is_allowed(_, value) if {
	some pattern in input.params.sensitiveValuesAllowed
	regex.match(pattern, value)
}

# "$(NAME)" alone is the value of another variable, which may come from a Secret.
is_reference(value) if regex.match(`^\$\([-._a-zA-Z][-._a-zA-Z0-9]*\)$`, value)

deny contains finding if {
	some container in workload.containers
	some i, variable in collections.list(object.get(container.spec, ["env"], []))
	value := variable.value
	is_credential(variable.name, value)
	not is_reference(value)
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
		"message": sprintf("container %s puts every entry of a Secret into its environment", [container.name]),
		"paths": [workload.at(container, sprintf("envFrom[%d].secretRef", [i]))],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ConfigMap"
	some key, value in collections.map(object.get(input.object, ["data"], {}))
	is_credential(key, value)
	finding := {
		"message": sprintf("the ConfigMap has what looks like a credential under the key %s", [key]),
		"paths": [fields.entry("data", key)],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ConfigMap"
	some key, value in collections.map(object.get(input.object, ["binaryData"], {}))
	is_binary_credential(key, value)
	finding := {
		"message": sprintf("the ConfigMap has what looks like a credential under the key %s", [key]),
		"paths": [fields.entry("binaryData", key)],
		"fixes": [],
	}
}
