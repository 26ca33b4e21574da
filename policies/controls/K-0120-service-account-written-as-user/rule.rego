package controls.k0120

import rego.v1

import data.lib.collections

deny contains finding if {
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	subject.kind == "User"
	is_string(subject.name)
	startswith(subject.name, "system:serviceaccount:")
	finding := {
		"message": sprintf("the service account %s is bound under the kind User", [subject.name]),
		"paths": [sprintf("subjects[%d].kind", [i]), sprintf("subjects[%d].name", [i])],
		"fixes": [],
	}
}
