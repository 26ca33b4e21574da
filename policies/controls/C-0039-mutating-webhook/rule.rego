package controls.c0039

import rego.v1

import data.lib.collections
import data.lib.webhooks

deny contains finding if {
	some i, entry in collections.list(object.get(input.object, ["webhooks"], []))
	webhook := collections.map(entry)
	webhooks.receives_secrets(webhook)
	finding := {
		"message": sprintf("webhook %s receives Secrets and can change them", [webhooks.name(webhook)]),
		"paths": [sprintf("webhooks[%d].rules", [i])],
		"fixes": [],
	}
}

# A webhook that changes pods, and leaves out no namespace.
changes_every_pod(webhook) if {
	matches_new_pods(webhook)
	not selects_namespaces(webhook)
	not webhooks.is_limited(webhook)
	not has_conditions(webhook)
	not webhooks.is_on_control_plane(webhook)
}

matches_new_pods(webhook) if {
	some rule in collections.list(object.get(webhook, ["rules"], []))
	webhooks.has_core_group(rule)
	has_pods(rule)
	is_for_create(rule)
	not webhooks.is_cluster_scoped(rule)
}

has_pods(rule) if "pods" in rule.resources

has_pods(rule) if webhooks.has_every_resource(rule)

is_for_create(rule) if "CREATE" in rule.operations

is_for_create(rule) if "*" in rule.operations

selects_namespaces(webhook) if {
	selector := collections.map(object.get(webhook, ["namespaceSelector"], {}))
	count(collections.list(object.get(selector, ["matchExpressions"], []))) > 0
}

has_conditions(webhook) if count(collections.list(object.get(webhook, ["matchConditions"], []))) > 0

deny contains finding if {
	some i, entry in collections.list(object.get(input.object, ["webhooks"], []))
	webhook := collections.map(entry)
	changes_every_pod(webhook)
	finding := {
		"message": sprintf("webhook %s can change every Pod, also those of kube-system", [webhooks.name(webhook)]),
		"paths": [sprintf("webhooks[%d].namespaceSelector", [i])],
		"fixes": [],
	}
}
