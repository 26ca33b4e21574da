# `input` as a value.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := object.get(input, "object", {})
	x.y == 1
}
