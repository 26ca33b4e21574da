# METADATA
# title: A list flag of a control plane program of which every item must be accepted
# custom:
#   arguments:
#     program: string
#     flag: string
#     pattern: string
package rules.list_flag_items

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs(input.arguments.program)

is_accepted(lines) if regex.match(input.arguments.pattern, flags.last_value(lines, input.arguments.flag))

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	not is_accepted(lines)
	finding := {
		"message": sprintf("%s accepts more in %s than it should", [input.arguments.program, input.arguments.flag]),
		"paths": [control_plane.flag_path(input.arguments.program, input.arguments.flag)],
		"fixes": [],
	}
}
