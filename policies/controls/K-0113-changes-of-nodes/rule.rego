package controls.k0113

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:controller:attachdetach-controller",
	"system:controller:generic-garbage-collector",
	"system:controller:namespace-controller",
	"system:controller:node-controller",
	"system:controller:route-controller",
	"system:controller:ttl-controller",
	"system:node",
	"system:node-problem-detector",
}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

changes_nodes(rule, resource) if {
	resource in {"*", "nodes"}
	rbac.allows(rule, "", {"*", "delete", "deletecollection", "patch", "update"})
}

changes_nodes(rule, resource) if {
	resource in {"*/status", "nodes/status"}
	rbac.allows(rule, "", {"*", "patch", "update"})
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	is_string(resource)
	changes_nodes(rule, resource)
	rbac.has_any_name(rule)
	finding := {
		"message": sprintf("the role allows changing or deleting Nodes (%s)", [resource]),
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
