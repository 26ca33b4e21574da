package controls.k0115

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:controller:generic-garbage-collector",
	"system:controller:namespace-controller",
}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

changes_api(rule, resource) if {
	resource in {"*", "apiservices"}
	rbac.allows(rule, "apiregistration.k8s.io", {"*", "create", "delete", "deletecollection", "patch", "update"})
}

changes_api(rule, resource) if {
	resource in {"*", "customresourcedefinitions"}
	rbac.allows(rule, "apiextensions.k8s.io", {"*", "create", "delete", "deletecollection", "patch", "update"})
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	is_string(resource)
	changes_api(rule, resource)
	rbac.has_any_name(rule)
	finding := {
		"message": sprintf("the role allows changing kinds of the API or the servers behind them (%s)", [resource]),
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
