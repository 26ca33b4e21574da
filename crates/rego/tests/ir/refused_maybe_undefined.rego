# A message, a path and a fix that may be undefined.
package controls.x1

import rego.v1

deny contains {"message": input.object.metadata.name, "paths": [input.object.path], "fixes": [{"path": "x", "value": input.object.y}]} if {
	input.object.x == 1
}
