# Refused: the order of two terms of unknown type.
# kind: x.io/Thing
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.spec.a < input.object.spec.b
}
