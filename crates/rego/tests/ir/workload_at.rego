# Paths below a container and below the pod spec.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": [workload.at(container, "tty"), workload.pod_at("hostPID")], "fixes": []} if {
	some container in workload.containers
	container.spec.tty
}
