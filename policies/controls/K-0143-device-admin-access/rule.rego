package controls.k0143

import rego.v1

import data.lib.collections

deny contains finding if {
	input.object.kind == "ResourceClaim"
	some i, request in collections.list(object.get(input.object, ["spec", "devices", "requests"], []))
	request.exactly.adminAccess == true
	path := sprintf("spec.devices.requests[%d].exactly.adminAccess", [i])
	finding := {
		"message": "the claim asks for administrative access to devices of other pods",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	input.object.kind == "ResourceClaimTemplate"
	some i, request in collections.list(object.get(input.object, ["spec", "spec", "devices", "requests"], []))
	request.exactly.adminAccess == true
	path := sprintf("spec.spec.devices.requests[%d].exactly.adminAccess", [i])
	finding := {
		"message": "claims of the template ask for administrative access to devices of other pods",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
