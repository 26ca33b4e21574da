# Requests and limits of a resource, "cpu" or "memory". `spec` is the spec of a container or of the pod: both keep them
# under `resources`. `container` is an element of workload.resource_containers.
package lib.resources

import rego.v1

import data.lib.quantities
import data.lib.workload

# The kubelet takes a limit of zero as no limit.
has_limit(spec, resource) if quantities.is_positive(object.get(spec, ["resources", "limits", resource], "0"))

has_request(spec, resource) if quantities.is_positive(object.get(spec, ["resources", "requests", resource], "0"))

# Kubernetes fills in a missing request from the limit.
requests_its_limit(spec, resource) if {
	not spec.resources.requests[resource]
	has_limit(spec, resource)
}

is_requested(spec, resource) if has_request(spec, resource)

is_requested(spec, resource) if requests_its_limit(spec, resource)

# The limit in force for a container: its own, else that of its pod.
effective_limit(container, resource) := object.get(container.spec, ["resources", "limits", resource], "0") if has_limit(container.spec, resource)

else := object.get(workload.pod_spec, ["resources", "limits", resource], "0") if has_limit(workload.pod_spec, resource)

effective_limit_path(container, resource) := workload.at(container, sprintf("resources.limits.%s", [resource])) if has_limit(container.spec, resource)

else := workload.pod_at(sprintf("resources.limits.%s", [resource]))

# The request in force for a container: its own, else its own limit, else the request of its pod.
effective_request(container, resource) := object.get(container.spec, ["resources", "requests", resource], "0") if has_request(container.spec, resource)

else := object.get(container.spec, ["resources", "limits", resource], "0") if requests_its_limit(container.spec, resource)

else := object.get(workload.pod_spec, ["resources", "requests", resource], "0") if has_request(workload.pod_spec, resource)

effective_request_path(container, resource) := workload.at(container, sprintf("resources.requests.%s", [resource])) if has_request(container.spec, resource)

else := workload.at(container, sprintf("resources.limits.%s", [resource])) if requests_its_limit(container.spec, resource)

else := workload.pod_at(sprintf("resources.requests.%s", [resource]))
