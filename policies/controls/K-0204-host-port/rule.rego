package controls.k0204

import rego.v1

import data.lib.collections
import data.lib.workload

is_host_port(port) if {
	is_number(port.hostPort)
	port.hostPort != 0
}

deny contains finding if {
	some container in workload.containers
	some i, port in collections.list(object.get(container.spec, ["ports"], []))
	is_host_port(port)
	path := workload.at(container, sprintf("ports[%d].hostPort", [i]))
	finding := {
		"message": sprintf("container %s uses a host port", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
