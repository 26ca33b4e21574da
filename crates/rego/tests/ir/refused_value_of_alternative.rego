# A helper whose value is an element of a literal list.
package controls.x1

import rego.v1

p := x if {
	some x in [1, 2]
	input.object.x == x
}

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p == 1
}
