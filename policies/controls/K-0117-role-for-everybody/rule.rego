package controls.k0117

import rego.v1

import data.lib.collections

# Roles of Kubernetes for everybody: they show the API and the user itself.
is_public_role if {
	input.object.roleRef.kind == "ClusterRole"
	input.object.roleRef.name in {
		"system:basic-user",
		"system:discovery",
		"system:public-info-viewer",
		"system:service-account-issuer-discovery",
	}
}

# C-0265 reports these roles.
is_strong_role if {
	input.object.roleRef.kind == "ClusterRole"
	input.object.roleRef.name in {"cluster-admin", "admin", "edit"}
}

deny contains finding if {
	not is_public_role
	not is_strong_role
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	subject.kind == "Group"
	subject.name in {"system:authenticated", "system:serviceaccounts"}
	is_string(subject.name)
	path := sprintf("subjects[%d]", [i])
	finding := {
		"message": sprintf("the role is bound to everybody in the group %s", [subject.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
