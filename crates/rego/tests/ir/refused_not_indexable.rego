# An index into an empty literal object.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := {}
	x[input.object.k] == 1
}
