package controls.k0121

import rego.v1

import data.lib.collections

selects_everything(selector) if {
	count(collections.map(object.get(selector, ["matchLabels"], {}))) == 0
	collections.is_empty(object.get(selector, ["matchExpressions"], []))
}

sees_new_pods(webhook) if {
	some rule in collections.list(object.get(webhook, ["rules"], []))
	has_any(rule, "apiGroups", {"*", ""})
	has_any(rule, "resources", {"*", "*/*", "pods"})
	has_any(rule, "operations", {"*", "CREATE"})
	not is_cluster_scoped(rule)
}

has_any(rule, field, wanted) if {
	some value in collections.list(object.get(rule, [field], []))
	value in wanted
}

is_cluster_scoped(rule) if rule.scope == "Cluster"

lets_pass(webhook) if webhook.failurePolicy == "Ignore"

name(webhook) := webhook.name if is_string(webhook.name)

else := "without a name"

deny contains finding if {
	some i, entry in collections.list(object.get(input.object, ["webhooks"], []))
	webhook := collections.map(entry)
	is_object(webhook.clientConfig.service)
	not lets_pass(webhook)
	namespaces := collections.map(object.get(webhook, ["namespaceSelector"], {}))
	objects := collections.map(object.get(webhook, ["objectSelector"], {}))
	selects_everything(namespaces)
	selects_everything(objects)
	collections.is_empty(object.get(webhook, ["matchConditions"], []))
	sees_new_pods(webhook)
	finding := {
		"message": sprintf("webhook %s must answer before any Pod is created, also those of kube-system and its own", [name(webhook)]),
		"paths": [sprintf("webhooks[%d].namespaceSelector", [i])],
		"fixes": [],
	}
}
