package controls.c0044

import rego.v1

import data.lib.collections
import data.lib.workload

uses_host_network if workload.pod_spec.hostNetwork == true

is_host_port(port) if {
	is_number(port.hostPort)
	port.hostPort > 0
}

deny contains finding if {
	not uses_host_network
	some container in workload.resource_containers
	some i, port in collections.list(object.get(container.spec, ["ports"], []))
	is_host_port(port)
	path := workload.at(container, sprintf("ports[%d].hostPort", [i]))
	finding := {
		"message": sprintf("container %s uses a host port", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

# With hostNetwork every port is a port of the node: Kubernetes sets hostPort to containerPort.
deny contains finding if {
	uses_host_network
	some container in workload.resource_containers
	some i, port in collections.list(object.get(container.spec, ["ports"], []))
	is_object(port)
	finding := {
		"message": sprintf("container %s uses a host port, because the pod uses the host network", [container.name]),
		"paths": [workload.at(container, sprintf("ports[%d].hostPort", [i]))],
		"fixes": [],
	}
}
