package controls.k0111

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:aggregate-to-edit",
	"system:controller:generic-garbage-collector",
	"system:controller:namespace-controller",
	"system:controller:resourcequota-controller",
	"system:kube-controller-manager",
	"system:node",
}

built_in_in_kube_system := {"system:controller:bootstrap-signer", "system:controller:token-cleaner"}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
	not rbac.is_system_role(built_in_in_kube_system)
	rbac.concerns_cluster
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "secrets"}
	rbac.allows(rule, "", {"*", "get", "list", "watch"})
	rbac.has_any_name(rule)
	finding := {
		"message": "the role allows reading the Secrets of every namespace or of kube-system",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
