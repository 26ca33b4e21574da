# METADATA
# title: An admission plugin that the API server must not have
# custom:
#   arguments:
#     plugin: string
package rules.admission_plugin_disabled

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.workload

applies if control_plane.runs("kube-apiserver")

lists(flag) if {
	value := flags.last_value(control_plane.command_line("kube-apiserver"), flag)
	contains(flags.items(value), concat("", [",", input.arguments.plugin, ","]))
}

deny contains finding if {
	lists("--enable-admission-plugins")
	not lists("--disable-admission-plugins")
	some container in workload.containers
	control_plane.starts(container.spec, "kube-apiserver")
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, "--enable-admission-plugins")
	path := workload.at(container, sprintf("%s[%d]", [field, i]))
	finding := {
		"message": sprintf("kube-apiserver runs with the admission plugin %s", [input.arguments.plugin]),
		"paths": [path],
		"fixes": [],
	}
}
