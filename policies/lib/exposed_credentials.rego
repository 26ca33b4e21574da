# Credentials that an object holds in plain text. `names`, `allowed_names`, `patterns` and `allowed_patterns` are the params
# sensitiveKeyNames, sensitiveKeyNamesAllowed, sensitiveValues and sensitiveValuesAllowed.
package lib.exposed_credentials

import rego.v1

import data.lib.credentials
import data.lib.strings

# The value is a credential, as such or under this name.
is_credential(name, value, names, allowed_names, patterns, allowed_patterns) if {
	is_string(name)
	is_string(value)
	is_certain(name, value, names, allowed_names, patterns)
	not matches(value, allowed_patterns)
}

is_certain(_, value, _, _, _) if credentials.is_secret(value)

is_certain(_, value, _, _, patterns) if matches(value, patterns)

is_certain(name, value, names, allowed_names, _) if {
	credentials.is_named(name, value, names)
	not mentions(name, allowed_names)
}

mentions(name, parts) if {
	some part in parts
	strings.contains_ignore_case(name, part)
}

matches(value, patterns) if {
	some pattern in patterns
	regex.match(pattern, value)
}
