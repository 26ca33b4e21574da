package controls.c0305

import rego.v1

deny contains finding if {
	input.object.spec.strategy.type == "Recreate"
	finding := {
		"message": "the Deployment stops all its pods for every update (strategy Recreate)",
		"paths": ["spec.strategy.type"],
		"fixes": [{"path": "spec.strategy.type", "value": "RollingUpdate"}],
	}
}
