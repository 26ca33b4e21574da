package controls.k0001

import rego.v1

import data.lib.connections

deny contains finding if {
	input.object.kind == "PodExecOptions"
	finding := {
		"message": sprintf("a command is run in %s%s", [connections.target, connections.command]),
		"paths": ["command"],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "PodAttachOptions"
	finding := {
		"message": sprintf("a user attaches to %s", [connections.target]),
		"paths": ["container"],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.kind == "NodeProxyOptions"
	not connections.reads_only_metrics
	finding := {
		"message": "the kubelet is called through the API server: it can run commands in every container of its node",
		"paths": ["path"],
		"fixes": [],
	}
}
