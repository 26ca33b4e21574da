package controls.c0159

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.workload

applies if control_plane.runs("kube-apiserver")

is_shared if {
	lines := control_plane.command_line("kube-apiserver")
	authority := flags.last_value(lines, "--etcd-cafile")
	authority != ""
	authority == flags.last_value(lines, "--client-ca-file")
}

deny contains finding if {
	is_shared
	some container in workload.containers
	control_plane.starts(container.spec, "kube-apiserver")
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	some flag in ["--client-ca-file", "--etcd-cafile"]
	flags.sets(word, flag)
	finding := {
		"message": "kube-apiserver trusts one authority for etcd and for clients",
		"paths": [workload.at(container, sprintf("%s[%d]", [field, i]))],
		"fixes": [],
	}
}
