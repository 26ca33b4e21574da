package controls.c0296

import rego.v1

import data.lib.collections
import data.lib.workload

labels := collections.map(object.get(workload.pod_metadata, ["labels"], {}))

has_label(key, value) if labels[key] == value

# The selector of a CronJob is that of its Jobs.
selector := collections.map(object.get(input.object, ["spec", "jobTemplate", "spec", "selector"], {})) if input.object.kind == "CronJob"

else := collections.map(object.get(input.object, ["spec", "selector"], {}))

# Kubernetes fills in a missing selector, or refuses the object.
applies if count(selector) > 0

path_of(field) := sprintf("spec.jobTemplate.spec.selector.%s", [field]) if input.object.kind == "CronJob"

else := sprintf("spec.selector.%s", [field])

deny contains finding if {
	input.object.kind != "ReplicationController"
	some key, value in collections.map(object.get(selector, ["matchLabels"], {}))
	is_string(key)
	not has_label(key, value)
	finding := {
		"message": sprintf("the selector asks for another label %s than the pod template has", [key]),
		"paths": [path_of("matchLabels")],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ReplicationController"
	some key, value in selector
	is_string(key)
	not has_label(key, value)
	finding := {
		"message": sprintf("the selector asks for another label %s than the pod template has", [key]),
		"paths": ["spec.selector"],
		"fixes": [],
	}
}

has_key(key) if is_string(labels[key])

has_value_of(expression) if {
	some value in collections.list(object.get(expression, ["values"], []))
	labels[expression.key] == value
}

is_unmet(expression) if {
	expression.operator == "In"
	not has_value_of(expression)
}

is_unmet(expression) if {
	expression.operator == "NotIn"
	has_value_of(expression)
}

is_unmet(expression) if {
	expression.operator == "Exists"
	key := expression.key
	not has_key(key)
}

is_unmet(expression) if {
	expression.operator == "DoesNotExist"
	has_key(expression.key)
}

deny contains finding if {
	input.object.kind != "ReplicationController"
	some i, expression in collections.list(object.get(selector, ["matchExpressions"], []))
	is_string(expression.key)
	is_unmet(expression)
	finding := {
		"message": sprintf("the labels of the pod template do not meet the expression of the selector about %s", [expression.key]),
		"paths": [path_of(sprintf("matchExpressions[%d]", [i]))],
		"fixes": [],
	}
}
