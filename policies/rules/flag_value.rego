# METADATA
# title: A flag of a control plane program that must have one of some values
# custom:
#   arguments:
#     program: string
#     flag: string
#     accepted: strings
#     accepted_without: boolean
#     recommended: string
package rules.flag_value

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs(input.arguments.program)

is_wrong(lines) if {
	input.arguments.accepted_without == true
	flags.is_set(lines, input.arguments.flag)
	not is_accepted(lines)
}

is_wrong(lines) if {
	input.arguments.accepted_without == false
	not is_accepted(lines)
}

is_accepted(lines) if flags.last_value(lines, input.arguments.flag) in input.arguments.accepted

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	is_wrong(lines)
	not flags.is_apart(lines, input.arguments.flag)
	path := control_plane.flag_path(input.arguments.program, input.arguments.flag)
	finding := {
		"message": sprintf("%s needs %s=%s", [input.arguments.program, input.arguments.flag, input.arguments.recommended]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("%s=%s", [input.arguments.flag, input.arguments.recommended])}],
	}
}

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	is_wrong(lines)
	flags.is_apart(lines, input.arguments.flag)
	finding := {
		"message": sprintf("%s needs %s=%s", [input.arguments.program, input.arguments.flag, input.arguments.recommended]),
		"paths": [control_plane.flag_path(input.arguments.program, input.arguments.flag)],
		"fixes": [],
	}
}
