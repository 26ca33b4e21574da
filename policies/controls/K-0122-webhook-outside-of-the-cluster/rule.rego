package controls.k0122

import rego.v1

import data.lib.collections

# The API server refuses a URL with a user, a query or a fragment.
authority(url) := split(trim_prefix(url, "https://"), "/")[0]

is_in_cluster(url) if is_local(authority(url))

is_local(address) if startswith(address, "[::1]")

is_local(address) if split(address, ":")[0] in {"localhost", "127.0.0.1"}

is_local(address) if endswith(split(address, ":")[0], ".svc")

is_local(address) if endswith(split(address, ":")[0], ".svc.cluster.local")

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
	input.object.kind == "CustomResourceDefinition"
	url := input.object.spec.conversion.webhook.clientConfig.url
	is_string(url)
	not is_in_cluster(url)
	finding := {
		"message": "the conversion webhook receives objects outside of the cluster",
		"paths": ["spec.conversion.webhook.clientConfig.url"],
		"fixes": [],
	}
}
