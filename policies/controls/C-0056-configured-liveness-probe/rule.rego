package controls.c0056

import rego.v1

import data.lib.workload

# A probe without a handler is refused by the API server.
is_probed(spec) if {
	some handler in ["exec", "grpc", "httpGet", "tcpSocket"]
	is_object(object.get(spec, ["livenessProbe", handler], null))
}

# A pod that ends when its work is done, as those of Jobs do, serves nobody.
runs_to_completion(pod) if {
	some policy in ["Never", "OnFailure"]
	pod.restartPolicy == policy
}

deny contains finding if {
	some container in workload.probe_containers
	spec := container.spec
	pod := workload.pod_spec
	not runs_to_completion(pod)
	not is_probed(spec)
	finding := {
		"message": sprintf("container %s has no liveness probe: if it hangs, nothing restarts it", [container.name]),
		"paths": [workload.at(container, "livenessProbe")],
		"fixes": [],
	}
}
