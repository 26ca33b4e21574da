# Arithmetic and a sign before a term.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	-input.object.x == 1
	input.object.x + 1 == 2
}
