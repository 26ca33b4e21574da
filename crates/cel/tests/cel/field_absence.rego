# `not` with a field: undefined or false.
# kind: x.io/Thing
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not input.object.spec.mode
}
