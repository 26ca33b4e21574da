package controls.k0132

import rego.v1

import data.lib.collections

has_host(rule) if {
	is_string(rule.host)
	rule.host != ""
}

deny contains finding if {
	some i, rule in collections.list(object.get(input.object, ["spec", "rules"], []))
	not has_host(rule)
	finding := {
		"message": "a rule of the Ingress has no host and takes the requests to all hosts",
		"paths": [sprintf("spec.rules[%d].host", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	some i, rule in collections.list(object.get(input.object, ["spec", "rules"], []))
	is_string(rule.host)
	startswith(rule.host, "*")
	finding := {
		"message": sprintf("the Ingress takes the requests to all hosts %s", [rule.host]),
		"paths": [sprintf("spec.rules[%d].host", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	is_object(input.object.spec.defaultBackend)
	count(collections.list(object.get(input.object, ["spec", "rules"], []))) == 0
	finding := {
		"message": "the Ingress has only a default backend, which takes the requests to all hosts",
		"paths": ["spec.defaultBackend"],
		"fixes": [],
	}
}
