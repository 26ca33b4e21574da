package controls.k0126

import rego.v1

import data.lib.strings

host := trim_suffix(strings.lower_ascii(input.object.spec.externalName), ".") if {
	input.object.spec.type == "ExternalName"
	is_string(input.object.spec.externalName)
}

# Names of this node, and those that clouds give to their metadata service.
is_of_node(name) if {
	name in {
		"localhost",
		"instance-data",
		"instance-data.ec2.internal",
		"metadata",
		"metadata.google.internal",
		"metadata.goog",
		"metadata.platformequinix.com",
		"metadata.tencentyun.com",
	}
}

# Kubernetes publishes such a name as it is, and proxies connect to it as to an address. Public wildcard names, such as
# 127.0.0.1.nip.io, begin with the address that they resolve to.
is_of_node(name) if regex.match(`^(127|169\.254|100\.100\.100\.200|0\.0\.0\.0|168\.63\.129\.16)(\.|-|$)`, name)

is_of_node(name) if endswith(name, ".localhost")

is_of_cluster(name) if endswith(name, ".svc.cluster.local")

is_of_cluster(name) if endswith(name, ".svc")

# A second name for a Service beside it does no harm.
is_neighbour(name) if {
	namespace := input.object.metadata.namespace
	is_string(namespace)
	endswith(trim_suffix(name, ".cluster.local"), concat("", [".", namespace, ".svc"]))
}

deny contains finding if {
	name := host
	is_of_node(name)
	finding := {
		"message": sprintf("the ExternalName Service leads to %s, an address of the node or of the metadata service", [name]),
		"paths": ["spec.externalName"],
		"fixes": [],
	}
}

deny contains finding if {
	name := host
	is_of_cluster(name)
	not is_neighbour(name)
	finding := {
		"message": sprintf("the ExternalName Service leads to %s, which is in another namespace", [name]),
		"paths": ["spec.externalName"],
		"fixes": [],
	}
}
