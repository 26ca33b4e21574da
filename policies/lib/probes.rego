# Probes of a container, and the pods that need none.
package lib.probes

import rego.v1

import data.lib.workload

# The API server refuses a probe without a handler. `probe` is the name of the field, such as "readinessProbe".
has_probe(spec, probe) if {
	some handler in ["exec", "grpc", "httpGet", "tcpSocket"]
	is_object(object.get(spec, [probe, handler], null))
}

# A pod that ends when its work is done, such as that of a Job, receives no traffic.
runs_to_completion if {
	some policy in ["Never", "OnFailure"]
	workload.pod_spec.restartPolicy == policy
}
