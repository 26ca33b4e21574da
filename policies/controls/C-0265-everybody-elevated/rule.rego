package controls.c0265

import rego.v1

import data.lib.collections

is_everybody(subject) if {
	subject.kind == "Group"
	subject.name in {"system:authenticated", "system:serviceaccounts"}
}

# A Role of the same name is another one.
is_elevated if {
	input.object.roleRef.kind == "ClusterRole"
	input.object.roleRef.name in {"cluster-admin", "admin", "edit"}
}

deny contains finding if {
	is_elevated
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	is_everybody(subject)
	path := sprintf("subjects[%d]", [i])
	finding := {
		"message": "the binding gives a strong role to everybody with access to the cluster",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
