package controls.c0263

import rego.v1

import data.lib.ingress

deny contains finding if {
	not ingress.has_tls
	not ingress.is_acme_solver
	finding := {
		"message": "the Ingress accepts unencrypted traffic only",
		"paths": ["spec.tls"],
		"fixes": [],
	}
}
