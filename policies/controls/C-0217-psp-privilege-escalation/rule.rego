package controls.c0217

import rego.v1

deny contains finding if {
	not input.object.spec.allowPrivilegeEscalation == false
	finding := {
		"message": "the policy allows containers that can gain privileges",
		"paths": ["spec.allowPrivilegeEscalation"],
		"fixes": [{"path": "spec.allowPrivilegeEscalation", "value": false}],
	}
}
