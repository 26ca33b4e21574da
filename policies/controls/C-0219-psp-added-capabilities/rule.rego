package controls.c0219

import rego.v1

import data.lib.collections

deny contains finding if {
	some field in ["allowedCapabilities", "defaultAddCapabilities"]
	count(collections.list(object.get(input.object, ["spec", field], []))) > 0
	path := sprintf("spec.%s", [field])
	finding := {
		"message": "the policy lets containers have more capabilities",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
