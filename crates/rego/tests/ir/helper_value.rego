# A helper without arguments is inlined.
package controls.x1

import rego.v1

threshold := input.object.spec.threshold

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	threshold == 3
}
