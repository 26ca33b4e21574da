# A loop over volumes; the volume is used as a condition.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some volume in workload.volumes
	volume.spec.hostPath
}
