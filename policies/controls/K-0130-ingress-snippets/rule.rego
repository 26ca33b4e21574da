package controls.k0130

import rego.v1

import data.lib.collections
import data.lib.fields

# The prefix of ingress-nginx is an option of the controller, so the name after it decides.
is_snippet(key) if {
	some ending in [
		"/auth-snippet",
		"/configuration-snippet",
		"/modsecurity-snippet",
		"/server-snippet",
		"/stream-snippet",
		"nginx.org/location-snippets",
		"nginx.org/server-snippets",
		"/backend-config-snippet",
		"/config-backend",
	]
	endswith(key, ending)
}

deny contains finding if {
	some key, value in collections.map(object.get(input.object, ["metadata", "annotations"], {}))
	is_snippet(key)
	is_string(value)
	value != ""
	finding := {
		"message": sprintf("the annotation %s puts its text into the configuration of the proxy", [key]),
		"paths": [fields.entry("metadata.annotations", key)],
		"fixes": [],
	}
}
