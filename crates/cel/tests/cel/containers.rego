# A loop over all containers.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	container.spec.tty == true
}
