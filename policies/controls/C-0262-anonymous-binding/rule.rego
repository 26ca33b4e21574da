package controls.c0262

import rego.v1

import data.lib.collections

is_anonymous(subject) if {
	subject.kind == "User"
	subject.name == "system:anonymous"
}

is_anonymous(subject) if {
	subject.kind == "Group"
	subject.name == "system:unauthenticated"
}

# The version of the cluster and the health of the API server.
is_built_in if {
	input.object.kind == "ClusterRoleBinding"
	input.object.metadata.name == "system:public-info-viewer"
	input.object.roleRef.name == "system:public-info-viewer"
}

# The address and the certificate of the cluster, for a node that joins.
is_built_in if {
	input.object.metadata.namespace == "kube-public"
	input.object.metadata.name == "kubeadm:bootstrap-signer-clusterinfo"
	input.object.roleRef.kind == "Role"
	input.object.roleRef.name == "kubeadm:bootstrap-signer-clusterinfo"
}

deny contains finding if {
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	is_anonymous(subject)
	not is_built_in
	path := sprintf("subjects[%d]", [i])
	finding := {
		"message": "the binding gives permissions to everybody without credentials",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
