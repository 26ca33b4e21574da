package controls.k0002

import rego.v1

import data.lib.connections

deny contains finding if {
	input.object.kind == "PodPortForwardOptions"
	finding := {
		"message": sprintf("a port of the pod is forwarded to a user's computer%s", [connections.ports]),
		"paths": ["ports"],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "PodProxyOptions"
	finding := {
		"message": "the pod is called through the proxy of the API server",
		"paths": ["path"],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "ServiceProxyOptions"
	finding := {
		"message": "a pod behind the service is called through the proxy of the API server",
		"paths": ["path"],
		"fixes": [],
	}
}
