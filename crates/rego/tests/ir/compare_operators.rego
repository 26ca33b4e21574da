# Comparisons; a literal on the left is moved to the right.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.a != 1
	input.object.b < 2
	3 <= input.object.c
	input.object.d > input.object.e
}
