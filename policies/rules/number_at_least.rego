# METADATA
# title: A number that a flag of a control plane program must at least have
# custom:
#   arguments:
#     program: string
#     flag: string
#     minimum: string
#     above: string
#     enough_without: boolean
#     recommended: string
package rules.number_at_least

import rego.v1

import data.lib.control_plane
import data.lib.flags
import data.lib.quantities

applies if control_plane.runs(input.arguments.program)

is_wrong(lines) if {
	input.arguments.enough_without == true
	flags.is_set(lines, input.arguments.flag)
	not is_enough(lines)
}

is_wrong(lines) if {
	input.arguments.enough_without == false
	not is_enough(lines)
}

# The minimum is the next whole number after `above`.
is_enough(lines) if quantities.less(input.arguments.above, flags.last_value(lines, input.arguments.flag))

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	is_wrong(lines)
	not flags.is_apart(lines, input.arguments.flag)
	path := control_plane.flag_path(input.arguments.program, input.arguments.flag)
	finding := {
		"message": sprintf("%s needs %s of %s or more", [input.arguments.program, input.arguments.flag, input.arguments.minimum]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("%s=%s", [input.arguments.flag, input.arguments.recommended])}],
	}
}

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	is_wrong(lines)
	flags.is_apart(lines, input.arguments.flag)
	finding := {
		"message": sprintf("%s needs %s of %s or more", [input.arguments.program, input.arguments.flag, input.arguments.minimum]),
		"paths": [control_plane.flag_path(input.arguments.program, input.arguments.flag)],
		"fixes": [],
	}
}
