# The key of a container in the library's list.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some index, container in workload.containers
	container.spec.x == index
}
