package controls.k0122

import rego.v1

import data.lib.collections

# The API server refuses a URL with a user, so the host is what follows the scheme.
is_in_cluster(url) if {
	regex.match(`^https://(localhost|127\.[0-9.]+|\[::1\]|[0-9a-z.-]+\.svc(\.cluster\.local)?)(:[0-9]+)?(/|$)`, url)
}

name(webhook) := webhook.name if is_string(webhook.name)

else := "without a name"

deny contains finding if {
	some i, webhook in collections.list(object.get(input.object, ["webhooks"], []))
	url := webhook.clientConfig.url
	is_string(url)
	not is_in_cluster(url)
	finding := {
		"message": sprintf("webhook %s receives objects outside of the cluster", [name(webhook)]),
		"paths": [sprintf("webhooks[%d].clientConfig.url", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	url := input.object.spec.conversion.webhook.clientConfig.url
	is_string(url)
	not is_in_cluster(url)
	finding := {
		"message": "the conversion webhook receives objects outside of the cluster",
		"paths": ["spec.conversion.webhook.clientConfig.url"],
		"fixes": [],
	}
}
