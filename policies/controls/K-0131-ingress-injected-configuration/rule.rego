package controls.k0131

import rego.v1

import data.lib.collections
import data.lib.fields

# Annotations with a URL, path, host or name.
is_target(key) if regex.match(`^nginx\.ingress\.kubernetes\.io/(app-root|auth-method|auth-signin|auth-url|mirror-host|mirror-target|permanent-redirect|proxy-ssl-name|rewrite-target|temporal-redirect|upstream-vhost|x-forwarded-prefix)$`, key)

# A block scalar of YAML ends with a line break, which is harmless.
is_injected(key, value) if {
	is_target(key)
	regex.match(`[;"]|[\r\n]+[^\r\n]|(^|[^$])\{`, value)
}

is_injected(key, value) if {
	key == "nginx.ingress.kubernetes.io/auth-tls-match-cn"
	regex.match(`[;"]|[\r\n]+[^\r\n]`, value)
}

deny contains finding if {
	some key, value in collections.map(object.get(input.object, ["metadata", "annotations"], {}))
	is_string(value)
	is_injected(key, value)
	finding := {
		"message": sprintf("the annotation %s can add directives to the configuration of NGINX", [key]),
		"paths": [fields.entry("metadata.annotations", key)],
		"fixes": [],
	}
}

deny contains finding if {
	some i, rule in collections.list(object.get(input.object, ["spec", "rules"], []))
	some j, entry in collections.list(object.get(rule, ["http", "paths"], []))
	is_string(entry.path)
	regex.match(`[;" \t\r\n]`, entry.path)
	finding := {
		"message": "a path of the Ingress can add directives to the configuration of NGINX",
		"paths": [sprintf("spec.rules[%d].http.paths[%d].path", [i, j])],
		"fixes": [],
	}
}
