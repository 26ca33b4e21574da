# Fixes that are no literal object, lack a path, or do nothing.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["x"], "fixes": [1, {"value": 1}, {"path": "x"}]} if {
	input.object.x == 1
}
