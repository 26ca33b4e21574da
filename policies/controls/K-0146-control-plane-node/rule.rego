package controls.k0146

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.workload

is_of_system if input.object.metadata.namespace == "kube-system"

applies if not is_of_system

is_on_every_node if input.object.kind == "DaemonSet"

is_about_scheduling(toleration) if object.get(toleration, ["effect"], "") in {"", null, "NoSchedule"}

deny contains finding if {
	not is_on_every_node
	some i, toleration in collections.list(object.get(workload.pod_spec, ["tolerations"], []))
	toleration.key in {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
	is_about_scheduling(toleration)
	path := workload.pod_at(sprintf("tolerations[%d]", [i]))
	finding := {
		"message": "the pod tolerates the taint of the control plane",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	some label in ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"]
	is_string(object.get(workload.pod_spec, ["nodeSelector", label], null))
	path := fields.entry(workload.pod_at("nodeSelector"), label)
	finding := {
		"message": "the pod asks for a node of the control plane",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
