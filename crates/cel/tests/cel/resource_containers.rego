# A loop over the containers that may have resources.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.resource_containers
	not container.spec.resources.limits.cpu
}
