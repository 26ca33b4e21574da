package controls.c0036

import rego.v1

import data.lib.collections
import data.lib.webhooks

deny contains finding if {
	some i, entry in collections.list(object.get(input.object, ["webhooks"], []))
	webhook := collections.map(entry)
	webhooks.has_remote_url(webhook)
	finding := {
		"message": sprintf("webhook %s sends objects to a server that is no Service of the cluster", [webhooks.name(webhook)]),
		"paths": [sprintf("webhooks[%d].clientConfig.url", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	some i, entry in collections.list(object.get(input.object, ["webhooks"], []))
	webhook := collections.map(entry)
	webhooks.receives_secrets(webhook)
	finding := {
		"message": sprintf("webhook %s receives the data of Secrets", [webhooks.name(webhook)]),
		"paths": [sprintf("webhooks[%d].rules", [i])],
		"fixes": [],
	}
}
