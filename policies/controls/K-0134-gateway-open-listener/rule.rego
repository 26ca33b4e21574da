package controls.k0134

import rego.v1

import data.lib.collections
import data.lib.workload

takes_all(listener) if listener.allowedRoutes.namespaces.from == "All"

takes_all(listener) if {
	listener.allowedRoutes.namespaces.from == "Selector"
	selector := listener.allowedRoutes.namespaces.selector
	is_object(selector)
	count(collections.map(object.get(selector, ["matchLabels"], {}))) == 0
	count(collections.list(object.get(selector, ["matchExpressions"], []))) == 0
}

has_hostname(listener) if {
	is_string(listener.hostname)
	listener.hostname != ""
}

deny contains finding if {
	some i, listener in collections.list(object.get(input.object, ["spec", "listeners"], []))
	takes_all(listener)
	not has_hostname(listener)
	path := sprintf("spec.listeners[%d]", [i])
	finding := {
		"message": sprintf("listener %s lets every namespace claim any host name", [workload.name_or(listener, path)]),
		"paths": [
			sprintf("%s.allowedRoutes.namespaces.from", [path]),
			sprintf("%s.hostname", [path]),
		],
		"fixes": [],
	}
}
