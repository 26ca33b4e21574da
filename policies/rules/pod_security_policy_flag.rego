# METADATA
# title: A PodSecurityPolicy sets a field to true
# custom:
#   arguments: {field: string, allows: string}
package rules.pod_security_policy_flag

import rego.v1

deny contains finding if {
	input.object.spec[input.arguments.field] == true
	path := concat(".", ["spec", input.arguments.field])
	finding := {
		"message": concat(" ", ["the policy allows", input.arguments.allows]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
