# `!=` is undefined where the field is.
# kind: x.io/Thing
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.spec.mode != "closed"
}
