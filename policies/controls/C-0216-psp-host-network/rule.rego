package controls.c0216

import rego.v1

deny contains finding if {
	input.object.spec.hostNetwork == true
	finding := {
		"message": "the policy allows pods with the network of the node",
		"paths": ["spec.hostNetwork"],
		"fixes": [{"path": "spec.hostNetwork", "remove": true}],
	}
}
