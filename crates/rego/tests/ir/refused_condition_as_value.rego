# A condition as a value.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := startswith(input.object.a, "b")
	y := input.object.a == 1
	x == y
}
