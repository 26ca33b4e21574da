package controls.c0073

import rego.v1

import data.lib.collections

has_controller(metadata) if {
	some owner in collections.list(object.get(metadata, ["ownerReferences"], []))
	owner.controller == true
}

deny contains finding if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not has_controller(metadata)
	finding := {
		"message": "no controller owns the pod: when its node fails, nothing replaces it",
		"paths": ["metadata.ownerReferences"],
		"fixes": [],
	}
}
