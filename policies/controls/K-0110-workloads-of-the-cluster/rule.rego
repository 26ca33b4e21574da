package controls.k0110

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:aggregate-to-edit",
	"system:node",
	"system:controller:cronjob-controller",
	"system:controller:daemon-set-controller",
	"system:controller:deployment-controller",
	"system:controller:generic-garbage-collector",
	"system:controller:job-controller",
	"system:controller:persistent-volume-binder",
	"system:controller:replicaset-controller",
	"system:controller:replication-controller",
	"system:controller:statefulset-controller",
}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
	rbac.concerns_cluster
}

creates_pods(rule, resource) if {
	resource in {"*", "pods", "replicationcontrollers"}
	rbac.allows(rule, "", {"*", "create"})
}

creates_pods(rule, resource) if {
	resource == "replicationcontrollers"
	rbac.allows(rule, "", {"patch", "update"})
}

creates_pods(rule, resource) if {
	resource in {"*", "daemonsets", "deployments", "replicasets", "statefulsets"}
	rbac.allows(rule, "apps", {"*", "create", "patch", "update"})
}

creates_pods(rule, resource) if {
	resource in {"*", "cronjobs", "jobs"}
	rbac.allows(rule, "batch", {"*", "create", "patch", "update"})
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	is_string(resource)
	creates_pods(rule, resource)
	rbac.has_any_name(rule)
	finding := {
		"message": sprintf("the role allows creating workloads in every namespace or in kube-system (%s)", [resource]),
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
