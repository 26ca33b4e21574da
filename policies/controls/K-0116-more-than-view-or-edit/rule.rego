package controls.k0116

import rego.v1

import data.lib.fields
import data.lib.rbac

view := "rbac.authorization.k8s.io/aggregate-to-view"

edit := "rbac.authorization.k8s.io/aggregate-to-edit"

applies if input.object.metadata.labels[view] == "true"

applies if input.object.metadata.labels[edit] == "true"

# Rules for URLs have no resources.
changes_objects(rule, verb) if {
	verb in {"*", "create", "delete", "deletecollection", "patch", "update"}
	count(rbac.resources(rule)) > 0
}

deny contains finding if {
	input.object.metadata.labels[view] == "true"
	some i, rule in rbac.rules
	some j, verb in rbac.verbs(rule)
	is_string(verb)
	changes_objects(rule, verb)
	finding := {
		"message": sprintf("the default role view is given the verb %s, which changes objects", [verb]),
		"paths": [sprintf("rules[%d].verbs[%d]", [i, j]), fields.entry("metadata.labels", view)],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.metadata.labels[view] == "true"
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "secrets"}
	rbac.allows(rule, "", {"*", "get", "list", "watch"})
	finding := {
		"message": "the default role view is given the Secrets of its namespace",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j]), fields.entry("metadata.labels", view)],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.metadata.labels[edit] == "true"
	some i, rule in rbac.rules
	some j, resource in rbac.resources(rule)
	resource in {"*", "rolebindings", "roles"}
	rbac.allows(rule, "rbac.authorization.k8s.io", {"*", "create", "delete", "deletecollection", "patch", "update"})
	finding := {
		"message": "the default role edit is given changes of Roles or RoleBindings",
		"paths": [sprintf("rules[%d].resources[%d]", [i, j]), fields.entry("metadata.labels", edit)],
		"fixes": [],
	}
}
