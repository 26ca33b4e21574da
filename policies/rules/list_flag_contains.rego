# METADATA
# title: A list flag of a control plane program that must contain an item
# custom:
#   arguments:
#     program: string
#     flag: string
#     item: string
#     replaced_by: string
package rules.list_flag_contains

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs(input.arguments.program)

# Programs ignore the flag if another, `replaced_by`, names a file that decides in its place.
is_replaced(lines) if {
	input.arguments.replaced_by != ""
	flags.is_set(lines, input.arguments.replaced_by)
}

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	not flags.lists(lines, input.arguments.flag, input.arguments.item)
	not is_replaced(lines)
	finding := {
		"message": sprintf("%s lacks %s in %s", [input.arguments.program, input.arguments.item, input.arguments.flag]),
		"paths": [control_plane.flag_path(input.arguments.program, input.arguments.flag)],
		"fixes": [],
	}
}
