# METADATA
# title: An admission plugin that the API server must have
# custom:
#   arguments:
#     plugin: string
#     by_default: boolean
package rules.admission_plugin_enabled

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.workload

applies if control_plane.runs("kube-apiserver")

# Disabling wins over enabling.
is_enabled if {
	lists("--enable-admission-plugins")
	not lists("--disable-admission-plugins")
}

is_enabled if {
	input.arguments.by_default == true
	not lists("--disable-admission-plugins")
}

lists(flag) if {
	value := flags.last_value(control_plane.command_line("kube-apiserver"), flag)
	contains(flags.items(value), concat("", [",", input.arguments.plugin, ","]))
}

deny contains finding if {
	not is_enabled
	lists("--disable-admission-plugins")
	some container in workload.containers
	control_plane.starts(container.spec, "kube-apiserver")
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, "--disable-admission-plugins")
	path := workload.at(container, sprintf("%s[%d]", [field, i]))
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [path],
		"fixes": [],
	}
}

deny contains finding if {
	not is_enabled
	not lists("--disable-admission-plugins")
	some container in workload.containers
	control_plane.starts(container.spec, "kube-apiserver")
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, "--enable-admission-plugins")
	path := workload.at(container, sprintf("%s[%d]", [field, i]))
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [path],
		"fixes": [],
	}
}

deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	not is_enabled
	not lists("--disable-admission-plugins")
	not flags.is_set(lines, "--enable-admission-plugins")
	some container in workload.containers
	control_plane.starts(container.spec, "kube-apiserver")
	path := control_plane.end_of_flags(container)
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("--enable-admission-plugins=%s", [input.arguments.plugin])}],
	}
}
