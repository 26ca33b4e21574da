package controls.k0119

import rego.v1

import data.lib.collections

binds_cluster_admin if {
	input.object.roleRef.kind == "ClusterRole"
	input.object.roleRef.name == "cluster-admin"
}

deny contains finding if {
	input.object.kind == "ClusterRoleBinding"
	binds_cluster_admin
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	subject.kind == "ServiceAccount"
	is_string(subject.name)
	path := sprintf("subjects[%d]", [i])
	finding := {
		"message": sprintf("the role cluster-admin is bound to the service account %s", [subject.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	input.object.kind == "RoleBinding"
	binds_cluster_admin
	finding := {
		"message": "the role cluster-admin is bound in a namespace, for which the role admin is made",
		"paths": ["roleRef.name"],
		"fixes": [],
	}
}
