package controls.k0140

import rego.v1

import data.lib.collections
import data.lib.network_policies

deny contains finding if {
	network_policies.is_ignored("Ingress")
	count(collections.list(object.get(input.object, ["spec", "ingress"], []))) > 0
	finding := {
		"message": "the ingress rules have no effect, because policyTypes has no Ingress",
		"paths": ["spec.policyTypes", "spec.ingress"],
		"fixes": [],
	}
}

deny contains finding if {
	network_policies.is_ignored("Egress")
	count(collections.list(object.get(input.object, ["spec", "egress"], []))) > 0
	finding := {
		"message": "the egress rules have no effect, because policyTypes has no Egress",
		"paths": ["spec.policyTypes", "spec.egress"],
		"fixes": [],
	}
}
