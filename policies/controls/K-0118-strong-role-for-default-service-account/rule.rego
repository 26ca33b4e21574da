package controls.k0118

import rego.v1

import data.lib.collections

deny contains finding if {
	role := input.object.roleRef.name
	role in {"cluster-admin", "admin", "edit"}
	is_string(role)
	input.object.roleRef.kind == "ClusterRole"
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	subject.kind == "ServiceAccount"
	subject.name == "default"
	path := sprintf("subjects[%d]", [i])
	finding := {
		"message": sprintf("the role %s is bound to a service account named default", [role]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
