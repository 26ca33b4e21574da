# Two controls over one list are one loop in the condition of the pack.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	container.spec.tty == true
}
# next control
package controls.x2

import rego.v1

import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	container.spec.stdin == true
}
