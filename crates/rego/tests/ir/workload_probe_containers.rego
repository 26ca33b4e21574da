# A loop over the containers that may have probes.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some container in workload.probe_containers
	not container.spec.livenessProbe
}
