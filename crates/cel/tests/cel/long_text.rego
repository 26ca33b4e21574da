# A long string that depends on no loop is a variable, and so are long conditions that read it.
package controls.x1

import rego.v1

import data.lib.control_plane
import data.lib.flags
import data.lib.workload

deny contains {"message": "found", "paths": [path], "fixes": []} if {
	lines := control_plane.command_line("program")
	flags.last_value(lines, "--a") == ""
	some container in workload.containers
	container.spec.image == "program"
	path := workload.at(container, "image")
}
