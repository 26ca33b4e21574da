package controls.c0036

import rego.v1

import data.lib.collections
import data.lib.webhooks

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
