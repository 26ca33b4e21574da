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
deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	flags.lists(lines, "--disable-admission-plugins", input.arguments.plugin)
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [control_plane.flag_path("kube-apiserver", "--disable-admission-plugins")],
		"fixes": [],
	}
}

is_missing(lines) if {
	input.arguments.by_default == false
	not flags.lists(lines, "--enable-admission-plugins", input.arguments.plugin)
	not flags.lists(lines, "--disable-admission-plugins", input.arguments.plugin)
}

deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	is_missing(lines)
	flags.is_set(lines, "--enable-admission-plugins")
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [control_plane.flag_path("kube-apiserver", "--enable-admission-plugins")],
		"fixes": [],
	}
}

deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	is_missing(lines)
	not flags.is_set(lines, "--enable-admission-plugins")
	path := control_plane.flag_path("kube-apiserver", "--enable-admission-plugins")
	finding := {
		"message": sprintf("kube-apiserver runs without the admission plugin %s", [input.arguments.plugin]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("--enable-admission-plugins=%s", [input.arguments.plugin])}],
	}
}
