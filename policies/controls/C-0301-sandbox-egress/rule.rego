package controls.c0301

import rego.v1

import data.lib.collections

management := object.get(input.object, ["spec", "networkPolicyManagement"], "Managed")

# The controller takes an empty value as Managed, the default.
is_managed if management in {"", "Managed"}

is_managed if is_null(management)

deny contains finding if {
	not is_managed
	finding := {
		"message": "the sandbox has no network policy of the controller: networkPolicyManagement is not Managed",
		"paths": ["spec.networkPolicyManagement"],
		"fixes": [{"path": "spec.networkPolicyManagement", "value": "Managed"}],
	}
}

has_policy if is_object(object.get(input.object, ["spec", "networkPolicy"], null))

deny contains finding if {
	is_managed
	not has_policy
	finding := {
		"message": "the sandbox has no networkPolicy that says where it may connect to",
		"paths": ["spec.networkPolicy"],
		"fixes": [],
	}
}

# An absent list allows nothing, as in a NetworkPolicy.
egress := object.get(input.object, ["spec", "networkPolicy", "egress"], null)

is_list_or_null(value) if is_array(value)

is_list_or_null(value) if is_null(value)

deny contains finding if {
	is_managed
	has_policy
	not is_list_or_null(egress)
	finding := {
		"message": "the egress of the network policy is not a list",
		"paths": ["spec.networkPolicy.egress"],
		"fixes": [],
	}
}

# A rule without destinations allows all of them.
deny contains finding if {
	is_managed
	some i, rule in collections.list(object.get(input.object, ["spec", "networkPolicy", "egress"], []))
	allows := collections.map(rule)
	count(collections.list(object.get(allows, ["to"], []))) == 0
	finding := {
		"message": "an egress rule of the sandbox names no destination, so it may reach every address",
		"paths": [sprintf("spec.networkPolicy.egress[%d]", [i])],
		"fixes": [],
	}
}

is_limited(destination) if {
	some selector in ["namespaceSelector", "podSelector"]
	count(collections.map(object.get(destination, [selector, "matchLabels"], {}))) > 0
}

is_limited(destination) if {
	some selector in ["namespaceSelector", "podSelector"]
	count(collections.list(object.get(destination, [selector, "matchExpressions"], []))) > 0
}

# Every address is in a block whose prefix has no bits.
is_every_address(cidr) if endswith(cidr, "/0")

is_limited(destination) if {
	cidr := destination.ipBlock.cidr
	is_string(cidr)
	not is_every_address(cidr)
}

deny contains finding if {
	is_managed
	some i, rule in collections.list(object.get(input.object, ["spec", "networkPolicy", "egress"], []))
	allows := collections.map(rule)
	some j, peer in collections.list(object.get(allows, ["to"], []))
	destination := collections.map(peer)
	not is_limited(destination)
	finding := {
		"message": "an egress rule of the sandbox has a destination that is every address, or every pod",
		"paths": [sprintf("spec.networkPolicy.egress[%d].to[%d]", [i, j])],
		"fixes": [],
	}
}
