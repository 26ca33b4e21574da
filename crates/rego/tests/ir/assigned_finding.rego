# A finding that is assigned before.
package controls.x1

import rego.v1

deny contains finding if {
	input.object.x == 1
	finding := {"message": "found", "paths": ["x"], "fixes": []}
}
