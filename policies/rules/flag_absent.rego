# METADATA
# title: A flag that a control plane program must not have
# custom:
#   arguments:
#     program: string
#     flag: string
package rules.flag_absent

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs(input.arguments.program)

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	flags.is_set(lines, input.arguments.flag)
	not flags.is_apart(lines, input.arguments.flag)
	path := control_plane.flag_path(input.arguments.program, input.arguments.flag)
	finding := {
		"message": sprintf("%s has %s", [input.arguments.program, input.arguments.flag]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	flags.is_set(lines, input.arguments.flag)
	flags.is_apart(lines, input.arguments.flag)
	finding := {
		"message": sprintf("%s has %s", [input.arguments.program, input.arguments.flag]),
		"paths": [control_plane.flag_path(input.arguments.program, input.arguments.flag)],
		"fixes": [],
	}
}
