# `not` of a reference is true if it is undefined or false.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not input.object.spec.x
}
