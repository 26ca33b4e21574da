package controls.k0133

import rego.v1

import data.lib.collections
import data.lib.workload

is_private(address) if regex.match(`^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|[fF][cCdD]|[fF][eE]80:|::1$)`, address)

deny contains finding if {
	some i, address in collections.list(object.get(workload.pod_spec, ["dnsConfig", "nameservers"], []))
	is_string(address)
	not is_private(address)
	path := workload.pod_at(sprintf("dnsConfig.nameservers[%d]", [i]))
	finding := {
		"message": sprintf("the pod asks the public name server %s", [address]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
