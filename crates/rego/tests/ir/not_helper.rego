# `not` of a helper whose argument is a local.
package controls.x1

import rego.v1

import data.lib.workload

is_ready(container) if container.spec.readinessProbe

is_ready(container) if container.spec.optional == true

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some container in workload.containers
	not is_ready(container)
}
