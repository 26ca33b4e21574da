package controls.k0143

import rego.v1

import data.lib.collections

is_admin(request) if request.exactly.adminAccess == true

# Before v1beta2 the field was in the request itself.
is_admin(request) if request.adminAccess == true

field_of(request) := "exactly.adminAccess" if request.exactly.adminAccess == true

else := "adminAccess"

deny contains finding if {
	input.object.kind == "ResourceClaim"
	some i, request in collections.list(object.get(input.object, ["spec", "devices", "requests"], []))
	is_admin(request)
	path := sprintf("spec.devices.requests[%d].%s", [i, field_of(request)])
	finding := {
		"message": "the claim asks for administrative access to devices of other pods",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	input.object.kind == "ResourceClaimTemplate"
	some i, request in collections.list(object.get(input.object, ["spec", "spec", "devices", "requests"], []))
	is_admin(request)
	path := sprintf("spec.spec.devices.requests[%d].%s", [i, field_of(request)])
	finding := {
		"message": "claims of the template ask for administrative access to devices of other pods",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
