# METADATA
# title: A flag that a control plane program must not have
# custom:
#   arguments:
#     program: string
#     flag: string
package rules.flag_absent

import rego.v1

import data.lib.collections
import data.lib.control_plane
import data.lib.flags
import data.lib.workload

applies if control_plane.runs(input.arguments.program)

deny contains finding if {
	some container in workload.containers
	control_plane.starts(container.spec, input.arguments.program)
	some field in ["command", "args"]
	some i, word in collections.list(object.get(container.spec, [field], []))
	flags.sets(word, input.arguments.flag)
	path := workload.at(container, sprintf("%s[%d]", [field, i]))
	finding := {
		"message": sprintf("%s has %s", [input.arguments.program, input.arguments.flag]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
