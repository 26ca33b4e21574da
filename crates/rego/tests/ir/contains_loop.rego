# A loop over a rule that contains.
package controls.x1

import rego.v1

import data.lib.workload

names contains name if {
	some container in workload.containers
	name := container.spec.image
}

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some name in names
	input.object.kind == name
}
