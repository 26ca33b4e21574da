package controls.c0273

import rego.v1

# The API server writes "" where a kubelet has not said yet what it is.
applies if startswith(input.object.status.nodeInfo.kubeletVersion, "v")

# The minor versions without support: 1.34 until 27 October 2026, 1.35 until 28 February 2027.
deny contains finding if {
	regex.match("^v1[.]([0-9]|[12][0-9]|3[0-4])[.]", input.object.status.nodeInfo.kubeletVersion)
	finding := {
		"message": "the kubelet has a version of Kubernetes that gets no fixes",
		"paths": ["status.nodeInfo.kubeletVersion"],
		"fixes": [],
	}
}
