# A loop over all containers of a workload.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some container in workload.containers
	container.spec.tty == true
}
