# What a CONNECT says: the options of exec, attach, port-forward and proxy, which are no objects and have no metadata.
# Everything here is total, whatever the options lack.
package lib.connections

import rego.v1

import data.lib.collections

# Where it leads.
target := concat(" ", ["container", input.object.container]) if is_named(object.get(input.object, ["container"], ""))

else := "the pod"

is_named(name) if {
	is_string(name)
	name != ""
}

# The command that is run, with a colon before it and cut where it gets long; nothing where none is named.
command := sprintf(": %s", [substring(words, 0, 200)]) if words != ""

else := ""

words := concat(" ", [word |
	some word in collections.list(object.get(input.object, ["command"], []))
	is_string(word)
])

# The ports that are forwarded, with a colon before them; nothing where the client names them only once it is connected.
ports := sprintf(": %s", [substring(numbers, 0, 200)]) if numbers != ""

else := ""

numbers := concat(", ", [sprintf("%d", [port]) |
	some port in collections.list(object.get(input.object, ["ports"], []))
	is_port(port)
])

# A whole number of at most nine digits, written as one: "%d" prints nothing else in every engine.
is_port(port) if {
	is_number(port)
	regex.match(`^-?[0-9]{1,9}$`, json.marshal(port))
}

# What a kubelet tells of its node and changes nothing: figures and health, by the paths as they stand and no others.
measures := [
	"/healthz",
	"/metrics",
	"/metrics/cadvisor",
	"/metrics/probes",
	"/metrics/resource",
	"/metrics/slis",
	"/stats/summary",
]

# Whether a call through a proxy asks a kubelet for figures alone.
only_measures if {
	some measure in measures
	object.get(input.object, ["path"], "") == measure
}
