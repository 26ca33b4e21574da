# A local that is not used otherwise is tested to be defined.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := input.object.x
	input.object.y == 1
}
