# METADATA
# title: An admission plugin that the API server must not have
# custom:
#   arguments:
#     plugin: string
package rules.admission_plugin_disabled

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs("kube-apiserver")

deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	flags.lists(lines, "--enable-admission-plugins", input.arguments.plugin)
	not flags.lists(lines, "--disable-admission-plugins", input.arguments.plugin)
	finding := {
		"message": sprintf("kube-apiserver runs with the admission plugin %s", [input.arguments.plugin]),
		"paths": [control_plane.flag_path("kube-apiserver", "--enable-admission-plugins")],
		"fixes": [],
	}
}
