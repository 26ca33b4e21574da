# `:=` with a pattern.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	[a, b] := input.object.pair
	a == b
}
