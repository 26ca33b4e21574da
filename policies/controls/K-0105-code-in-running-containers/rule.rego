package controls.k0105

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:aggregate-to-edit",
	"system:controller:generic-garbage-collector",
	"system:controller:namespace-controller",
}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

runs_code(rule, resource) if {
	resource in {"*", "*/attach", "*/exec", "pods/attach", "pods/exec"}
	rbac.allows(rule, "", {"*", "create", "get"})
}

runs_code(rule, resource) if {
	resource in {"*", "*/ephemeralcontainers", "pods/ephemeralcontainers"}
	rbac.allows(rule, "", {"*", "patch", "update"})
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	is_string(resource)
	runs_code(rule, resource)
	rbac.has_any_name(rule)
	finding := {
		"message": sprintf("the role allows commands in running containers (%s)", [resource]),
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
