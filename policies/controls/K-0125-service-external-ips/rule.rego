package controls.k0125

import rego.v1

import data.lib.collections

# kube-proxy skips these Services.
is_without_proxy if input.object.spec.type == "ExternalName"

is_without_proxy if input.object.spec.clusterIP == "None"

deny contains finding if {
	not is_without_proxy
	some i, address in collections.list(object.get(input.object, ["spec", "externalIPs"], []))
	is_string(address)
	path := sprintf("spec.externalIPs[%d]", [i])
	finding := {
		"message": sprintf("the Service takes the traffic to %s from every node", [address]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
