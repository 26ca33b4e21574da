package controls.c0213

import rego.v1

deny contains finding if {
	input.object.spec.privileged == true
	finding := {
		"message": "the policy allows privileged containers",
		"paths": ["spec.privileged"],
		"fixes": [{"path": "spec.privileged", "remove": true}],
	}
}
