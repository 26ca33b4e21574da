# Refused: a path whose fields are computed.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": [sprintf("spec.%s", [container.name])], "fixes": []} if {
	some container in workload.containers
	container.spec.tty == true
}
