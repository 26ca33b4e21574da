package controls.k0135

import rego.v1

import data.lib.collections

is_named(target) if {
	is_string(target.name)
	target.name != ""
}

deny contains finding if {
	some i, target in collections.list(object.get(input.object, ["spec", "to"], []))
	target.kind == "Secret"
	object.get(target, ["group"], "") == ""
	not is_named(target)
	finding := {
		"message": "the ReferenceGrant gives every Secret of its namespace to another namespace",
		"paths": [sprintf("spec.to[%d].name", [i])],
		"fixes": [],
	}
}
