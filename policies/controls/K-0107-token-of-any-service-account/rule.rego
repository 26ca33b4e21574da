package controls.k0107

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:aggregate-to-edit",
	"system:kube-controller-manager",
	"system:node",
}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "*/token", "serviceaccounts/token"}
	rbac.allows(rule, "", {"*", "create"})
	rbac.has_any_name(rule)
	finding := {
		"message": "the role allows creating tokens of any service account",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
