# Two loops over the same list have two binders.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some a in workload.containers
	some b in workload.containers
	a.spec.image == b.spec.image
}
