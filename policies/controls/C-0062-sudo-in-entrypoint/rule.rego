package controls.c0062

import rego.v1

import data.lib.collections
import data.lib.workload

# sudo as a separate word with any path before it: not "pseudo", "sudoers", "--sudo", "sudo.conf" or "GROUP=sudo".
calls_sudo(word) if {
	contains(word, "sudo")
	regex.match(`(^|[^0-9A-Za-z_.=-])sudo([^0-9A-Za-z_.=/-]|$)`, word)
}

deny contains finding if {
	some container in workload.containers
	some i, word in collections.list(object.get(container.spec, ["command"], []))
	calls_sudo(word)
	finding := {
		"message": sprintf("container %s runs sudo in its start command", [container.name]),
		"paths": [workload.at(container, sprintf("command[%d]", [i]))],
		"fixes": [],
	}
}

deny contains finding if {
	some container in workload.containers
	some i, word in collections.list(object.get(container.spec, ["args"], []))
	calls_sudo(word)
	finding := {
		"message": sprintf("container %s runs sudo in its start command", [container.name]),
		"paths": [workload.at(container, sprintf("args[%d]", [i]))],
		"fixes": [],
	}
}
