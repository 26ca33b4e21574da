# What an admission webhook receives. The API server sends whole objects, with the data of Secrets.
package lib.webhooks

import rego.v1

import data.lib.collections
import data.lib.strings

name(webhook) := webhook.name if is_string(webhook.name)

else := "without a name"

# Cloud providers run webhooks beside the API server.
is_on_control_plane(webhook) if regex.match("^https://(localhost|127[.][0-9.]+|\\[::1\\])([:/]|$)", webhook.clientConfig.url)

receives_secrets(webhook) if {
	matches_secrets(webhook)
	not is_limited(webhook)
	not has_condition_on_secrets(webhook)
	not is_on_control_plane(webhook)
}

matches_secrets(webhook) if {
	some rule in collections.list(object.get(webhook, ["rules"], []))
	has_core_group(rule)
	has_secrets(rule)
	not is_cluster_scoped(rule)
}

has_core_group(rule) if "" in rule.apiGroups

has_core_group(rule) if "*" in rule.apiGroups

has_secrets(rule) if "secrets" in rule.resources

has_secrets(rule) if has_every_resource(rule)

has_every_resource(rule) if "*" in rule.resources

has_every_resource(rule) if "*/*" in rule.resources

is_cluster_scoped(rule) if rule.scope == "Cluster"

# Only objects or namespaces that somebody chose. A selector of the form "all but these" chooses nothing.
is_limited(webhook) if chooses(collections.map(object.get(webhook, ["objectSelector"], {})))

is_limited(webhook) if chooses(collections.map(object.get(webhook, ["namespaceSelector"], {})))

chooses(selector) if count(collections.map(object.get(selector, ["matchLabels"], {}))) > 0

chooses(selector) if {
	some requirement in collections.list(object.get(selector, ["matchExpressions"], []))
	requirement.operator in {"In", "Exists"}
}

has_condition_on_secrets(webhook) if {
	some condition in collections.list(object.get(webhook, ["matchConditions"], []))
	strings.contains_ignore_case(condition.expression, "secret")
}
