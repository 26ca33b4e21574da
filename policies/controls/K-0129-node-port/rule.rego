package controls.k0129

import rego.v1

deny contains finding if {
	input.object.spec.type == "NodePort"
	finding := {
		"message": "the Service opens a port on every node",
		"paths": ["spec.type"],
		"fixes": [],
	}
}
