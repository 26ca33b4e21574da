package controls.k0139

import rego.v1

import data.lib.collections
import data.lib.network_policies

# Blocks that contain 169.254.169.254 and many other addresses.
is_wide(range) if range in {
	"0.0.0.0/0",
	"128.0.0.0/1",
	"128.0.0.0/2",
	"160.0.0.0/3",
	"160.0.0.0/4",
	"168.0.0.0/5",
	"168.0.0.0/6",
	"168.0.0.0/7",
	"169.0.0.0/8",
	"169.128.0.0/9",
	"169.192.0.0/10",
	"169.224.0.0/11",
	"169.240.0.0/12",
	"169.248.0.0/13",
	"169.252.0.0/14",
	"169.254.0.0/15",
	"169.254.0.0/16",
}

# Blocks around the address within 169.254.0.0/16.
is_narrow(range) if regex.match(`^169\.254\.(128\.0/1[78]|160\.0/(19|20)|168\.0/2[123]|169\.(0/24|128/25|192/26|224/27|240/28|248/29|252/30|254/3[12]))$`, range)

is_excepted(block) if {
	some range in collections.list(object.get(block, ["except"], []))
	is_wide(range)
}

is_excepted(block) if {
	some range in collections.list(object.get(block, ["except"], []))
	is_narrow(range)
}

is_open(block) if {
	is_wide(block.cidr)
	not is_excepted(block)
}

is_open(block) if {
	block.cidr == "::/0"
	not is_excepted_v6(block)
}

# The address is fd00:ec2::254.
is_excepted_v6(block) if {
	some range in collections.list(object.get(block, ["except"], []))
	regex.match(`^[fF]([cC]00::/7|[dD]00::/8|[dD]00:[eE][cC]2:)`, range)
}

reaches_http(rule) if not network_policies.has_ports(rule)

reaches_http(rule) if {
	some entry in collections.list(object.get(collections.map(rule), ["ports"], []))
	port := collections.map(entry)
	not is_other_protocol(port)
	includes_http(port)
}

is_other_protocol(port) if port.protocol in {"UDP", "SCTP"}

# Without a number, an entry is for every port.
includes_http(port) if object.get(port, ["port"], null) == null

includes_http(port) if port.port == 80

includes_http(port) if {
	is_number(port.port)
	is_number(port.endPort)
	port.port < 80
	port.endPort >= 80
}

deny contains finding if {
	not network_policies.is_ignored("Egress")
	some i, rule in collections.list(object.get(input.object, ["spec", "egress"], []))
	reaches_http(rule)
	some j, peer in collections.list(object.get(collections.map(rule), ["to"], []))
	is_open(peer.ipBlock)
	finding := {
		"message": "an address block of an egress rule contains the metadata service of the cloud",
		"paths": [
			sprintf("spec.egress[%d].to[%d].ipBlock", [i, j]),
			sprintf("spec.egress[%d]", [i]),
		],
		"fixes": [],
	}
}
