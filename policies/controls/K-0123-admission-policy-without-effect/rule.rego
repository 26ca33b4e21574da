package controls.k0123

import rego.v1

import data.lib.collections

match_resources := collections.map(object.get(input.object, ["spec", "matchResources"], {}))

denies if {
	some action in collections.list(object.get(input.object, ["spec", "validationActions"], []))
	action == "Deny"
}

covers_everything(rule) if {
	has_any(rule, "apiGroups", {"*"})
	has_any(rule, "apiVersions", {"*"})
	has_any(rule, "operations", {"*"})
	has_any(rule, "resources", {"*", "*/*"})
	collections.is_empty(object.get(rule, ["resourceNames"], []))
	has_any_scope(rule)
}

has_any(rule, field, wanted) if {
	some value in collections.list(object.get(rule, [field], []))
	value in wanted
}

has_any_scope(rule) if object.get(rule, ["scope"], "*") == "*"

# The label must have a value and must not exist, or must not have that value.
contradicts(expression, labels) if {
	expression.operator == "DoesNotExist"
	is_string(labels[expression.key])
}

contradicts(expression, labels) if {
	expression.operator == "NotIn"
	some value in collections.list(object.get(expression, ["values"], []))
	value == labels[expression.key]
}

deny contains finding if {
	input.object.kind == "ValidatingAdmissionPolicy"
	input.object.spec.failurePolicy == "Ignore"
	finding := {
		"message": "an object passes the policy if an expression fails",
		"paths": ["spec.failurePolicy"],
		"fixes": [{"path": "spec.failurePolicy", "value": "Fail"}],
	}
}

deny contains finding if {
	input.object.kind == "ValidatingAdmissionPolicyBinding"
	denies
	input.object.spec.paramRef.parameterNotFoundAction == "Allow"
	finding := {
		"message": "every object passes the policy if the params do not exist",
		"paths": ["spec.paramRef.parameterNotFoundAction"],
		"fixes": [{"path": "spec.paramRef.parameterNotFoundAction", "value": "Deny"}],
	}
}

deny contains finding if {
	input.object.kind == "ValidatingAdmissionPolicyBinding"
	some i, rule in collections.list(object.get(match_resources, ["excludeResourceRules"], []))
	covers_everything(rule)
	path := sprintf("spec.matchResources.excludeResourceRules[%d]", [i])
	finding := {
		"message": "the binding excludes every resource",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	input.object.kind == "ValidatingAdmissionPolicyBinding"
	labels := collections.map(object.get(match_resources, ["namespaceSelector", "matchLabels"], {}))
	some i, expression in collections.list(object.get(match_resources, ["namespaceSelector", "matchExpressions"], []))
	contradicts(expression, labels)
	finding := {
		"message": "the selector of the binding matches no namespace",
		"paths": [sprintf("spec.matchResources.namespaceSelector.matchExpressions[%d]", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ValidatingAdmissionPolicyBinding"
	some i, expression in collections.list(object.get(match_resources, ["namespaceSelector", "matchExpressions"], []))
	expression.key == "kubernetes.io/metadata.name"
	expression.operator == "DoesNotExist"
	finding := {
		"message": "the selector of the binding matches no namespace",
		"paths": [sprintf("spec.matchResources.namespaceSelector.matchExpressions[%d]", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ValidatingAdmissionPolicyBinding"
	labels := collections.map(object.get(match_resources, ["objectSelector", "matchLabels"], {}))
	some i, expression in collections.list(object.get(match_resources, ["objectSelector", "matchExpressions"], []))
	contradicts(expression, labels)
	finding := {
		"message": "the selector of the binding matches no object",
		"paths": [sprintf("spec.matchResources.objectSelector.matchExpressions[%d]", [i])],
		"fixes": [],
	}
}
