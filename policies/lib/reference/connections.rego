# Reference definition of the intrinsics `target`, `command` and `ports`; the engine uses native code, and exported
# policies use CEL. The oracle tests hold all three equal.
#
# The options of a CONNECT request: exec, attach, port-forward and proxy. They are not stored objects and have no
# metadata. Every rule here is total.
package lib.connections

import rego.v1

import data.lib.collections

# The container that the request connects to, for messages.
target := concat(" ", ["container", input.object.container]) if is_named(object.get(input.object, ["container"], ""))

else := "the pod"

is_named(name) if {
	is_string(name)
	name != ""
}

# The command after a colon, truncated to 200 characters; empty without a command.
command := sprintf(": %s", [substring(arguments, 0, 200)]) if arguments != ""

else := ""

arguments := concat(" ", [argument |
	some argument in collections.list(object.get(input.object, ["command"], []))
	is_string(argument)
])

# The forwarded ports after a colon; empty if the client names them only after it has connected.
ports := sprintf(": %s", [substring(numbers, 0, 200)]) if numbers != ""

else := ""

numbers := concat(", ", [sprintf("%d", [port]) |
	some port in collections.list(object.get(input.object, ["ports"], []))
	is_port(port)
])

# An integer of at most nine digits without exponent: "%d" prints any other number differently in different engines.
is_port(port) if {
	is_number(port)
	regex.match(`^-?[0-9]{1,9}$`, json.marshal(port))
}

# Paths of a kubelet that only read metrics and health, compared exactly.
metrics_paths := [
	"/healthz",
	"/metrics",
	"/metrics/cadvisor",
	"/metrics/probes",
	"/metrics/resource",
	"/metrics/slis",
	"/stats/summary",
]

# A call of a kubelet through the proxy that only reads metrics or health.
reads_only_metrics if {
	some path in metrics_paths
	object.get(input.object, ["path"], "") == path
}
