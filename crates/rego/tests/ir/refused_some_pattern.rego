# `some` with a pattern.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some [a, b] in input.object.pairs
	a == b
}
