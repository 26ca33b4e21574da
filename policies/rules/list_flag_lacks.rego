# METADATA
# title: A list flag of a control plane program that must not contain an item
# custom:
#   arguments:
#     program: string
#     flag: string
#     default: string
#     item: string
#     replaced_by: string
package rules.list_flag_lacks

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.workload

applies if control_plane.runs(input.arguments.program)

# Programs ignore the flag if another, `replaced_by`, names a file that decides in its place.
is_replaced(lines) if {
	input.arguments.replaced_by != ""
	flags.is_set(lines, input.arguments.replaced_by)
}

is_wrong if {
	lines := control_plane.command_line(input.arguments.program)
	value := flags.value(lines, input.arguments.flag, input.arguments.default)
	contains(flags.items(value), concat("", [",", input.arguments.item, ","]))
	not is_replaced(lines)
}

deny contains finding if {
	is_wrong
	some container in workload.containers
	control_plane.starts(container.spec, input.arguments.program)
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, input.arguments.flag)
	path := workload.at(container, sprintf("%s[%d]", [field, i]))
	finding := {
		"message": sprintf("%s has %s in %s", [input.arguments.program, input.arguments.item, input.arguments.flag]),
		"paths": [path],
		"fixes": [],
	}
}

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	is_wrong
	not flags.is_set(lines, input.arguments.flag)
	some container in workload.containers
	control_plane.starts(container.spec, input.arguments.program)
	finding := {
		"message": sprintf("%s has %s in %s", [input.arguments.program, input.arguments.item, input.arguments.flag]),
		"paths": [control_plane.end_of_flags(container)],
		"fixes": [],
	}
}
