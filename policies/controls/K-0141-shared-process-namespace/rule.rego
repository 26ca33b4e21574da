package controls.k0141

import rego.v1

import data.lib.collections
import data.lib.workload

# A sidecar is an init container that keeps running.
has_company if count(collections.list(object.get(workload.pod_spec, ["containers"], []))) > 1

has_company if {
	some container in collections.list(object.get(workload.pod_spec, ["initContainers"], []))
	container.restartPolicy == "Always"
}

deny contains finding if {
	workload.pod_spec.shareProcessNamespace == true
	has_company
	path := workload.pod_at("shareProcessNamespace")
	finding := {
		"message": "the containers of the pod share their processes, and so their secrets and files",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
