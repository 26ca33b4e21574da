# `=`.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x = input.object.x
	x == 1
}
