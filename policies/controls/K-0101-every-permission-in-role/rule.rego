package controls.k0101

import rego.v1

import data.lib.rbac

# The ClusterRole of Kubernetes itself that needs this permission.
built_in := {"cluster-admin"}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource == "*"
	rbac.allows(rule, "", {"*"})
	finding := {
		"message": "the role allows every verb on every resource",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
