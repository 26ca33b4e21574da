package controls.c0215

import rego.v1

deny contains finding if {
	input.object.spec.hostIPC == true
	finding := {
		"message": "the policy allows pods with the IPC namespace of the node",
		"paths": ["spec.hostIPC"],
		"fixes": [{"path": "spec.hostIPC", "remove": true}],
	}
}
