# The pod spec of a workload is defined for all its kinds.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	workload.pod_spec.hostPID == true
}
