package controls.c0214

import rego.v1

deny contains finding if {
	input.object.spec.hostPID == true
	finding := {
		"message": "the policy allows pods with the process namespace of the node",
		"paths": ["spec.hostPID"],
		"fixes": [{"path": "spec.hostPID", "remove": true}],
	}
}
