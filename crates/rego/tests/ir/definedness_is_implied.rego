# A local needs no test that it is defined where a comparison proves it.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := input.object.x
	y := x.y
	y == 1
}
