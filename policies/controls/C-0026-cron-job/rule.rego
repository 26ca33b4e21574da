package controls.c0026

import rego.v1

deny contains finding if {
	not input.object.spec.suspend == true
	finding := {
		"message": "the CronJob starts pods on a schedule",
		"paths": ["spec.schedule"],
		"fixes": [],
	}
}
