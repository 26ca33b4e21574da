# A loop over an empty literal object.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some x in {}
	x == 1
}
