package controls.k0137

import rego.v1

import data.lib.collections
import data.lib.network_policies

is_whole(block) if {
	block.cidr in {"0.0.0.0/0", "::/0"}
	count(collections.list(object.get(block, ["except"], []))) == 0
}

deny contains finding if {
	not network_policies.is_ignored("Ingress")
	some i, rule in collections.list(object.get(input.object, ["spec", "ingress"], []))
	not network_policies.has_ports(rule)
	count(collections.list(object.get(collections.map(rule), ["from"], []))) == 0
	finding := {
		"message": "an ingress rule allows every source on every port",
		"paths": [sprintf("spec.ingress[%d]", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	not network_policies.is_ignored("Ingress")
	some i, rule in collections.list(object.get(input.object, ["spec", "ingress"], []))
	not network_policies.has_ports(rule)
	some j, peer in collections.list(object.get(collections.map(rule), ["from"], []))
	is_whole(peer.ipBlock)
	finding := {
		"message": "an ingress rule allows every address on every port",
		"paths": [
			sprintf("spec.ingress[%d].from[%d].ipBlock.cidr", [i, j]),
			sprintf("spec.ingress[%d]", [i]),
		],
		"fixes": [],
	}
}
