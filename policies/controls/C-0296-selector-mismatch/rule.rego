package controls.c0296

import rego.v1

import data.lib.collections
import data.lib.workload

labels := collections.map(object.get(workload.pod_metadata, ["labels"], {}))

# CEL looks up only what is proved to be a string, such as a key of a map.
has_label(key, value) if labels[key] == value

has_pair(key, value) if {
	some label, of_template in labels
	label == key
	of_template == value
}

has_key(key) if {
	some label, _ in labels
	label == key
}

# The selector of a CronJob is that of its Jobs.
cron_job_selector := object.get(input.object, ["spec", "jobTemplate", "spec", "selector"], {})

selector := object.get(input.object, ["spec", "selector"], {})

# Kubernetes fills in a missing selector, or refuses the object.
applies if {
	input.object.kind == "CronJob"
	count(collections.map(cron_job_selector)) > 0
}

applies if {
	input.object.kind != "CronJob"
	count(collections.map(selector)) > 0
}

is_mismatch(wanted) if {
	some key, value in collections.map(wanted)
	not has_label(key, value)
}

deny contains finding if {
	input.object.kind == "CronJob"
	is_mismatch(object.get(cron_job_selector, ["matchLabels"], {}))
	finding := {
		"message": "the selector asks for a label that the pod template does not have",
		"paths": ["spec.jobTemplate.spec.selector.matchLabels"],
		"fixes": [],
	}
}

deny contains finding if {
	not input.object.kind == "CronJob"
	not input.object.kind == "ReplicationController"
	is_mismatch(object.get(selector, ["matchLabels"], {}))
	finding := {
		"message": "the selector asks for a label that the pod template does not have",
		"paths": ["spec.selector.matchLabels"],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ReplicationController"
	is_mismatch(selector)
	finding := {
		"message": "the selector asks for a label that the pod template does not have",
		"paths": ["spec.selector"],
		"fixes": [],
	}
}

has_value_of(expression, key) if {
	some value in collections.list(object.get(expression, ["values"], []))
	has_pair(key, value)
}

is_unmet(expression, key) if {
	expression.operator == "In"
	not has_value_of(expression, key)
}

is_unmet(expression, key) if {
	expression.operator == "NotIn"
	has_value_of(expression, key)
}

is_unmet(expression, key) if {
	expression.operator == "Exists"
	not has_key(key)
}

is_unmet(expression, key) if {
	expression.operator == "DoesNotExist"
	has_key(key)
}

deny contains finding if {
	input.object.kind == "CronJob"
	some i, expression in collections.list(object.get(cron_job_selector, ["matchExpressions"], []))
	key := expression.key
	is_string(key)
	is_unmet(expression, key)
	finding := {
		"message": sprintf("the labels of the pod template do not meet the expression of the selector about %s", [key]),
		"paths": [sprintf("spec.jobTemplate.spec.selector.matchExpressions[%d]", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	not input.object.kind == "CronJob"
	not input.object.kind == "ReplicationController"
	some i, expression in collections.list(object.get(selector, ["matchExpressions"], []))
	key := expression.key
	is_string(key)
	is_unmet(expression, key)
	finding := {
		"message": sprintf("the labels of the pod template do not meet the expression of the selector about %s", [key]),
		"paths": [sprintf("spec.selector.matchExpressions[%d]", [i])],
		"fixes": [],
	}
}
