package controls.k0002

import rego.v1

import data.lib.connections

deny contains finding if {
	input.object.kind == "PodPortForwardOptions"
	finding := {
		"message": sprintf("a port of the pod is forwarded to somebody's computer%s", [connections.ports]),
		"paths": ["ports"],
		"fixes": [],
	}
}
