# `not` of an equality is true if a side is undefined.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not input.object.spec.x == 1
}
