package controls.k0136

import rego.v1

import data.lib.collections

has_tls if {
	some listener in collections.list(object.get(input.object, ["spec", "listeners"], []))
	listener.protocol in {"HTTPS", "TLS"}
}

name_of(listener) := listener.name if is_string(listener.name)

else := "without a name"

deny contains finding if {
	not has_tls
	some i, listener in collections.list(object.get(input.object, ["spec", "listeners"], []))
	listener.protocol == "HTTP"
	path := sprintf("spec.listeners[%d]", [i])
	finding := {
		"message": sprintf("listener %s of the Gateway is for HTTP, and none is for HTTPS", [name_of(listener)]),
		"paths": [sprintf("%s.protocol", [path])],
		"fixes": [],
	}
}
