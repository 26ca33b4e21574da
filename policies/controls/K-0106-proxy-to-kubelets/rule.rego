package controls.k0106

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:kubelet-api-admin",
	"system:controller:generic-garbage-collector",
	"system:controller:namespace-controller",
}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "*/proxy", "nodes/proxy"}
	rbac.allows(rule, "", {"*", "create", "get"})
	finding := {
		"message": "the role allows calls of kubelets through nodes/proxy",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
