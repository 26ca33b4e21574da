# `some` without `in`.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some i
	input.object.x[i] == 1
}
