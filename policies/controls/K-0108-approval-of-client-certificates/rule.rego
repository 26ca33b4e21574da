package controls.k0108

import rego.v1

import data.lib.rbac

# ClusterRoles of Kubernetes itself that need this permission.
built_in := {
	"cluster-admin",
	"system:certificates.k8s.io:kube-apiserver-client-approver",
	"system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
	"system:controller:certificate-controller",
}

applies if {
	not rbac.is_aggregated
	not rbac.is_cluster_role(built_in)
}

reaches_client_signer(rule) if rbac.has_any_name(rule)

reaches_client_signer(rule) if {
	some name in rbac.resource_names(rule)
	name in {
		"kubernetes.io/*",
		"kubernetes.io/kube-apiserver-client",
		"kubernetes.io/kube-apiserver-client-kubelet",
	}
}

deny contains finding if {
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "signers"}
	rbac.allows(rule, "certificates.k8s.io", {"*", "approve"})
	reaches_client_signer(rule)
	finding := {
		"message": "the role allows approving client certificates of the cluster",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j])],
		"fixes": [],
	}
}
