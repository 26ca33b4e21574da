package controls.k0144

import rego.v1

import data.lib.collections
import data.lib.workload

is_on_every_node if input.object.kind == "DaemonSet"

is_of_system if input.object.metadata.namespace == "kube-system"

applies if {
	not is_on_every_node
	not is_of_system
}

# The API server accepts no other operator without a key.
is_for_every_key(toleration) if {
	toleration.operator == "Exists"
	object.get(toleration, ["key"], "") in {"", null}
}

is_about_scheduling(toleration) if object.get(toleration, ["effect"], "") in {"", null, "NoSchedule"}

deny contains finding if {
	some i, toleration in collections.list(object.get(workload.pod_spec, ["tolerations"], []))
	is_for_every_key(toleration)
	is_about_scheduling(toleration)
	finding := {
		"message": "the pod tolerates every taint, those of the control plane too",
		"paths": [workload.pod_at(sprintf("tolerations[%d]", [i]))],
		"fixes": [],
	}
}
