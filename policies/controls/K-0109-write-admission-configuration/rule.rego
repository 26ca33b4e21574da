package controls.k0109

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

is_admission_configuration(resource) if {
	resource in {
		"*",
		"mutatingadmissionpolicies",
		"mutatingadmissionpolicybindings",
		"mutatingwebhookconfigurations",
		"validatingadmissionpolicies",
		"validatingadmissionpolicybindings",
		"validatingwebhookconfigurations",
	}
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	is_string(resource)
	is_admission_configuration(resource)
	rbac.allows(rule, "admissionregistration.k8s.io", {"*", "create", "delete", "deletecollection", "patch", "update"})
	rbac.has_any_name(rule)
	finding := {
		"message": sprintf("the role allows changing the admission configuration (%s)", [resource]),
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
