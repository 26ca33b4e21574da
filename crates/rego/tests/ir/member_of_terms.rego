# Membership in a literal list with computed items.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	"x" in [input.object.a, input.object.b]
}
