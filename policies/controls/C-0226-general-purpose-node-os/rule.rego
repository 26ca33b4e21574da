package controls.c0226

import rego.v1

is_container_optimized(image) if {
	some prefix in [
		"Bottlerocket",
		"CBL-Mariner",
		"Container-Optimized OS",
		"Fedora CoreOS",
		"Flatcar Container Linux",
		"Microsoft Azure Linux",
		"Red Hat Enterprise Linux CoreOS",
		"SUSE Linux Enterprise Micro",
		"SUSE Linux Micro",
		"Talos",
		"openSUSE MicroOS",
	]
	startswith(image, prefix)
}

# The API server writes "" where a kubelet has not said yet what it runs.
applies if {
	image := input.object.status.nodeInfo.osImage
	is_string(image)
	image != ""
	not input.object.status.nodeInfo.operatingSystem == "windows"
	not is_fargate
}

is_fargate if input.object.metadata.labels["eks.amazonaws.com/compute-type"] == "fargate"

deny contains finding if {
	image := input.object.status.nodeInfo.osImage
	not is_container_optimized(image)
	finding := {
		"message": "the node runs a general-purpose operating system",
		"paths": ["status.nodeInfo.osImage"],
		"fixes": [],
	}
}
