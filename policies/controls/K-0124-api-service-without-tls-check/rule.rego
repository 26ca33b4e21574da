package controls.k0124

import rego.v1

deny contains finding if {
	input.object.spec.insecureSkipTLSVerify == true
	is_object(input.object.spec.service)
	finding := {
		"message": "the API server does not verify the certificate of the server behind the APIService",
		"paths": ["spec.insecureSkipTLSVerify"],
		"fixes": [],
	}
}
