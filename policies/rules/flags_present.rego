# METADATA
# title: Flags that a control plane program must have, with a value
# custom:
#   arguments:
#     program: string
#     flags: strings
#     replaced_by: string
package rules.flags_present

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.workload

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
	not flags.is_set(lines, flag)
	some container in workload.containers
	control_plane.starts(container.spec, input.arguments.program)
	finding := {
		"message": sprintf("%s needs %s", [input.arguments.program, flag]),
		"paths": [control_plane.end_of_flags(container)],
		"fixes": [],
	}
}

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	not is_replaced(lines)
	some flag in input.arguments.flags
	flags.is_set(lines, flag)
	flags.last_value(lines, flag) == ""
	some container in workload.containers
	control_plane.starts(container.spec, input.arguments.program)
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, flag)
	finding := {
		"message": sprintf("%s has %s without a value", [input.arguments.program, flag]),
		"paths": [workload.at(container, sprintf("%s[%d]", [field, i]))],
		"fixes": [],
	}
}
