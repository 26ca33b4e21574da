package controls.k0147

import rego.v1

import data.lib.workload

is_of_system if input.object.metadata.namespace == "kube-system"

applies if not is_of_system

deny contains finding if {
	some class in ["system-cluster-critical", "system-node-critical"]
	workload.pod_spec.priorityClassName == class
	path := workload.pod_at("priorityClassName")
	finding := {
		"message": sprintf("the pod has the priority %s and evicts others", [class]),
		"paths": [path],
		"fixes": [],
	}
}
