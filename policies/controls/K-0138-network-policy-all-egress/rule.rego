package controls.k0138

import rego.v1

import data.lib.collections
import data.lib.network_policies

deny contains finding if {
	not network_policies.is_ignored("Egress")
	some i, rule in collections.list(object.get(input.object, ["spec", "egress"], []))
	not network_policies.has_ports(rule)
	count(collections.list(object.get(collections.map(rule), ["to"], []))) == 0
	finding := {
		"message": "an egress rule allows every destination on every port",
		"paths": [sprintf("spec.egress[%d]", [i])],
		"fixes": [],
	}
}
