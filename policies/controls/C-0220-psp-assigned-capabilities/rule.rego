package controls.c0220

import rego.v1

import data.lib.collections

drops_all if "ALL" in input.object.spec.requiredDropCapabilities

deny contains finding if {
	collections.is_empty(object.get(input.object, ["spec", "requiredDropCapabilities"], []))
	finding := {
		"message": "the policy lets containers keep the default capabilities",
		"paths": ["spec.requiredDropCapabilities[0]"],
		"fixes": [{"path": "spec.requiredDropCapabilities[0]", "value": "ALL"}],
	}
}

deny contains finding if {
	count(collections.list(object.get(input.object, ["spec", "requiredDropCapabilities"], []))) > 0
	not drops_all
	finding := {
		"message": "the policy lets containers keep some of the default capabilities",
		"paths": ["spec.requiredDropCapabilities"],
		"fixes": [{"path": "spec.requiredDropCapabilities", "value": ["ALL"]}],
	}
}
