# METADATA
# title: Flags that a control plane program must have, with a value
# custom:
#   arguments:
#     program: string
#     flags: strings
#     replaced_by: string
package rules.flags_present

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs(input.arguments.program)

# Programs ignore the flags if another, `replaced_by`, names a file that decides in their place.
is_replaced(lines) if {
	input.arguments.replaced_by != ""
	flags.is_set(lines, input.arguments.replaced_by)
}

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	not is_replaced(lines)
	some flag in input.arguments.flags
	flags.last_value(lines, flag) == ""
	finding := {
		"message": sprintf("%s needs %s with a value", [input.arguments.program, flag]),
		"paths": [control_plane.flag_path(input.arguments.program, flag)],
		"fixes": [],
	}
}
