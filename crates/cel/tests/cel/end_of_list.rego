# The place where an element is appended has no element: its index identifies it.
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.strings
import data.lib.workload

deny contains {"message": "found", "paths": [path], "fixes": []} if {
	some container in workload.containers
	command := collections.list(object.get(container.spec, ["command"], []))
	strings.last_between(strings.join(command, "\n"), "--a=", "\n") == ""
	path := workload.at(container, sprintf("command[%d]", [count(command)]))
}
