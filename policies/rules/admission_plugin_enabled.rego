# METADATA
# title: An admission plugin that the API server must have
# custom:
#   arguments:
#     plugin: string
#     by_default: boolean
package rules.admission_plugin_enabled

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs("kube-apiserver")

# Disabling wins over enabling.
is_missing(lines) if flags.lists(lines, "--disable-admission-plugins", input.arguments.plugin)

is_missing(lines) if {
	input.arguments.by_default == false
	not flags.lists(lines, "--enable-admission-plugins", input.arguments.plugin)
}

can_be_added(lines) if {
	not flags.lists(lines, "--disable-admission-plugins", input.arguments.plugin)
	not flags.is_set(lines, "--enable-admission-plugins")
}

flag_path(lines) := control_plane.flag_path("kube-apiserver", "--disable-admission-plugins") if {
	flags.lists(lines, "--disable-admission-plugins", input.arguments.plugin)
}

else := control_plane.flag_path("kube-apiserver", "--enable-admission-plugins")

deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	is_missing(lines)
	can_be_added(lines)
	path := flag_path(lines)
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("--enable-admission-plugins=%s", [input.arguments.plugin])}],
	}
}

deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	is_missing(lines)
	not can_be_added(lines)
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [flag_path(lines)],
		"fixes": [],
	}
}
