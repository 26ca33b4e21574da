# METADATA
# title: A number that a flag of a control plane program must at least have
# custom:
#   arguments:
#     program: string
#     flag: string
#     default: string
#     minimum: string
#     recommended: string
package rules.number_at_least

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.quantities
import data.lib.workload

applies if control_plane.runs(input.arguments.program)

is_wrong if {
	lines := control_plane.command_line(input.arguments.program)
	value := flags.value(lines, input.arguments.flag, input.arguments.default)
	not is_enough(value)
}

is_enough(value) if {
	quantities.is_quantity(value)
	not is_less(value)
}

is_less(value) if quantities.less(value, input.arguments.minimum)

deny contains finding if {
	is_wrong
	some container in workload.containers
	control_plane.starts(container.spec, input.arguments.program)
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, input.arguments.flag)
	path := workload.at(container, sprintf("%s[%d]", [field, i]))
	finding := {
		"message": sprintf("%s needs %s of %s or more", [input.arguments.program, input.arguments.flag, input.arguments.minimum]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("%s=%s", [input.arguments.flag, input.arguments.recommended])}],
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
		"message": sprintf("%s needs %s of %s or more", [input.arguments.program, input.arguments.flag, input.arguments.minimum]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("%s=%s", [input.arguments.flag, input.arguments.recommended])}],
	}
}
