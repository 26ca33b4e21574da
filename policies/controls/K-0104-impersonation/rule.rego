package controls.k0104

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {"cluster-admin", "system:aggregate-to-edit"}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

is_identity(resource) if resource in {"*", "serviceaccounts"}

is_identity(resource) if {
	input.object.kind == "ClusterRole"
	resource in {"users", "groups"}
}

reaches_strong_identity(rule) if rbac.has_any_name(rule)

reaches_strong_identity(rule) if {
	some name in rbac.resource_names(rule)
	name == "system:masters"
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	is_string(resource)
	is_identity(resource)
	rbac.allows(rule, "", {"*", "impersonate"})
	reaches_strong_identity(rule)
	finding := {
		"message": sprintf("the role allows impersonation (%s)", [resource]),
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
