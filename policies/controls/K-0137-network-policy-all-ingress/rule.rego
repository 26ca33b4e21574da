package controls.k0137

import rego.v1

import data.lib.collections
import data.lib.network_policies

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
	network_policies.is_whole(peer.ipBlock, {"0.0.0.0/0", "::/0"})
	finding := {
		"message": sprintf("an ingress rule allows all sources in %s on every port", [peer.ipBlock.cidr]),
		"paths": [
			sprintf("spec.ingress[%d].from[%d].ipBlock.cidr", [i, j]),
			sprintf("spec.ingress[%d]", [i]),
		],
		"fixes": [],
	}
}
