# A finding without a path.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": [], "fixes": []} if {
	input.object.x == 1
}
