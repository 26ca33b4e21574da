package controls.k0126

import rego.v1

applies if input.object.spec.type == "ExternalName"

# Names of this node, and those that clouds give to their metadata service. Proxies connect to a name such as 127.0.0.1
# as to an address, and public wildcard names, such as 127.0.0.1.nip.io, begin with the address that they resolve to.
is_of_node(name) if regex.match(`^((127|169\.254|100\.100\.100\.200|0\.0\.0\.0|168\.63\.129\.16)([.-].*)?|(.+\.)?localhost|instance-data(\.ec2\.internal)?|metadata(\.google\.internal|\.goog|\.platformequinix\.com|\.tencentyun\.com)?)\.?$`, name)

is_of_cluster(name) if regex.match(`\.svc(\.cluster\.local)?\.?$`, name)

# A second name for a Service of the same namespace does no harm.
is_neighbour(name) if split(name, ".")[1] == input.object.metadata.namespace

deny contains finding if {
	name := input.object.spec.externalName
	is_string(name)
	is_of_node(name)
	finding := {
		"message": sprintf("the ExternalName Service leads to %s, an address of the node or of the metadata service", [name]),
		"paths": ["spec.externalName"],
		"fixes": [],
	}
}

deny contains finding if {
	name := input.object.spec.externalName
	is_string(name)
	is_of_cluster(name)
	not is_neighbour(name)
	finding := {
		"message": sprintf("the ExternalName Service leads to %s, which is in another namespace", [name]),
		"paths": ["spec.externalName"],
		"fixes": [],
	}
}
