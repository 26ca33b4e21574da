package controls.k0145

import rego.v1

import data.lib.workload

# The API server gives each stored object a resourceVersion, and refuses one in a new object.
is_scheduled if {
	input.object.kind == "Pod"
	is_string(input.object.metadata.resourceVersion)
	input.object.metadata.resourceVersion != ""
}

# The kubelet creates a Pod for each static pod of its node.
is_mirror if {
	input.object.kind == "Pod"
	is_string(object.get(input.object, ["metadata", "annotations", "kubernetes.io/config.mirror"], null))
}

applies if {
	not is_scheduled
	not is_mirror
}

deny contains finding if {
	name := workload.pod_spec.nodeName
	is_string(name)
	name != ""
	path := workload.pod_at("nodeName")
	finding := {
		"message": sprintf("the pod goes to node %s without the scheduler", [name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
