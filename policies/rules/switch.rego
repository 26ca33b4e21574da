# METADATA
# title: A boolean flag of a control plane program that must be on or off
# custom:
#   arguments:
#     program: string
#     flag: string
#     on_by_default: boolean
#     must_be_on: boolean
#     replaced_by: string
package rules.switch

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs(input.arguments.program)

# Programs ignore the flag if another, `replaced_by`, names a file that decides in its place.
is_replaced(lines) if {
	input.arguments.replaced_by != ""
	flags.is_set(lines, input.arguments.replaced_by)
}

is_wrong(lines) if {
	input.arguments.must_be_on == true
	flags.is_off(lines, input.arguments.flag)
}

is_wrong(lines) if {
	input.arguments.must_be_on == true
	input.arguments.on_by_default == false
	not flags.is_set(lines, input.arguments.flag)
}

is_wrong(lines) if {
	input.arguments.must_be_on == false
	input.arguments.on_by_default == true
	not flags.is_off(lines, input.arguments.flag)
}

is_wrong(lines) if {
	input.arguments.must_be_on == false
	input.arguments.on_by_default == false
	flags.is_set(lines, input.arguments.flag)
	not flags.is_off(lines, input.arguments.flag)
}

needed := "true" if input.arguments.must_be_on == true

else := "false"

deny contains finding if {
	lines := control_plane.command_line(input.arguments.program)
	is_wrong(lines)
	not is_replaced(lines)
	path := control_plane.flag_path(input.arguments.program, input.arguments.flag)
	finding := {
		"message": sprintf("%s needs %s=%s", [input.arguments.program, input.arguments.flag, needed]),
		"paths": [path],
		"fixes": [{"path": path, "value": sprintf("%s=%s", [input.arguments.flag, needed])}],
	}
}
