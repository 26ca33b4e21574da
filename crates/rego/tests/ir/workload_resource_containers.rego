# A loop over the containers that may request resources.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some container in workload.resource_containers
	container.spec.tty == true
}
