package controls.k0102

import rego.v1

import data.lib.rbac

# The ClusterRole of Kubernetes itself that needs this permission.
built_in := {"cluster-admin"}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

reaches_strong_role(rule) if rbac.has_any_name(rule)

reaches_strong_role(rule) if {
	some name in rbac.resource_names(rule)
	name in {"cluster-admin", "admin", "edit"}
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "clusterroles", "roles"}
	rbac.allows(rule, "rbac.authorization.k8s.io", {"*", "bind"})
	reaches_strong_role(rule)
	finding := {
		"message": "the role allows binding roles that have more permissions than its subjects",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
