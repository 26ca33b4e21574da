# METADATA
# title: A list flag of a control plane program of which every item must be accepted
# custom:
#   arguments:
#     program: string
#     flag: string
#     pattern: string
package rules.list_flag_items

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.workload

applies if control_plane.runs(input.arguments.program)

is_wrong if {
	lines := control_plane.command_line(input.arguments.program)
	value := flags.last_value(lines, input.arguments.flag)
	not is_accepted(value)
}

is_accepted(value) if regex.match(input.arguments.pattern, value)

deny contains finding if {
	is_wrong
	some container in workload.containers
	control_plane.starts(container.spec, input.arguments.program)
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, input.arguments.flag)
	path := workload.at(container, sprintf("%s[%d]", [field, i]))
	finding := {
		"message": sprintf("%s accepts more in %s than it should", [input.arguments.program, input.arguments.flag]),
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
	path := control_plane.end_of_flags(container)
	finding := {
		"message": sprintf("%s accepts more in %s than it should", [input.arguments.program, input.arguments.flag]),
		"paths": [path],
		"fixes": [],
	}
}
