package controls.c0291

import rego.v1

applies if {
	input.object.metadata.namespace == "kube-system"
	input.object.metadata.name == "kube-proxy"
}

is_local(config) if regex.match(`(?m)^metricsBindAddress:[ ]*["']?(127\.[0-9.]+|localhost|\[?::1\]?)(:[0-9]+)?["']?[ ]*$`, config)

is_local(config) if regex.match(`(?m)^metricsBindAddress:[ ]*(""|''|null|~)?[ ]*$`, config)

deny contains finding if {
	config := input.object.data["config.conf"]
	regex.match(`(?m)^metricsBindAddress:`, config)
	not is_local(config)
	finding := {
		"message": "the metrics of kube-proxy are open to the network",
		"paths": ["data[config.conf]"],
		"fixes": [],
	}
}
