# Credentials that an object holds in plain text, by the params sensitiveKeyNames, sensitiveValues and their exceptions.
package lib.exposed_credentials

import rego.v1

import data.lib.credentials
import data.lib.strings

# The value is a credential, as such or under this name.
is_credential(name, value) if {
	is_string(name)
	is_string(value)
	is_certain(name, value)
	not is_allowed_value(value)
}

is_certain(_, value) if credentials.is_secret(value)

is_certain(_, value) if {
	some pattern in input.params.sensitiveValues
	regex.match(pattern, value)
}

is_certain(name, value) if {
	credentials.is_named(name, value, input.params.sensitiveKeyNames)
	not is_allowed_name(name)
}

is_allowed_name(name) if {
	some part in input.params.sensitiveKeyNamesAllowed
	strings.contains_ignore_case(name, part)
}

is_allowed_value(value) if {
	some pattern in input.params.sensitiveValuesAllowed
	regex.match(pattern, value)
}
