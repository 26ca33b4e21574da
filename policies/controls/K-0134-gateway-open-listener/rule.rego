package controls.k0134

import rego.v1

import data.lib.collections

has_hostname(listener) if {
	is_string(listener.hostname)
	listener.hostname != ""
}

name_of(listener) := listener.name if is_string(listener.name)

else := "without a name"

deny contains finding if {
	some i, listener in collections.list(object.get(input.object, ["spec", "listeners"], []))
	listener.allowedRoutes.namespaces.from == "All"
	not has_hostname(listener)
	path := sprintf("spec.listeners[%d]", [i])
	finding := {
		"message": sprintf("listener %s lets every namespace claim any host name", [name_of(listener)]),
		"paths": [
			sprintf("%s.allowedRoutes.namespaces.from", [path]),
			sprintf("%s.hostname", [path]),
		],
		"fixes": [],
	}
}
