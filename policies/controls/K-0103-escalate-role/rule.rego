package controls.k0103

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {"cluster-admin", "system:controller:clusterrole-aggregation-controller"}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

is_role(resource) if resource in {"*", "roles"}

is_role(resource) if {
	input.object.kind == "ClusterRole"
	resource == "clusterroles"
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	is_role(resource)
	rbac.allows(rule, "rbac.authorization.k8s.io", {"*", "escalate"})
	finding := {
		"message": "the role allows writing more permissions into roles than its subjects have",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
