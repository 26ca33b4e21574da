package controls.c0042

import rego.v1

import data.lib.collections
import data.lib.workload

is_ssh_port(port) if {
	port.containerPort == 22
	not is_udp(port)
}

is_ssh_port(port) if port.name == "ssh"

is_udp(port) if port.protocol in {"SCTP", "UDP"}

deny contains finding if {
	some container in workload.resource_containers
	some i, port in collections.list(object.get(container.spec, ["ports"], []))
	is_ssh_port(port)
	finding := {
		"message": sprintf("container %s has a port for SSH", [container.name]),
		"paths": [workload.at(container, sprintf("ports[%d]", [i]))],
		"fixes": [],
	}
}

deny contains finding if {
	some container in workload.containers
	some list in ["args", "command"]
	program := object.get(container.spec, [list], [])[0]
	is_string(program)
	regex.match(`^([0-9A-Za-z_./-]*/)?(sshd|dropbear)$`, program)
	finding := {
		"message": sprintf("container %s starts an SSH server", [container.name]),
		"paths": [workload.at(container, list)],
		"fixes": [],
	}
}
