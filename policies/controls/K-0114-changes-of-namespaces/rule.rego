package controls.k0114

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {"cluster-admin", "system:controller:generic-garbage-collector"}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "namespaces"}
	rbac.allows(rule, "", {"*", "patch", "update"})
	rbac.has_any_name(rule)
	finding := {
		"message": "the role allows changing Namespaces and the labels that protect them",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
