# Membership in a field: list elements or map values.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	"x" in input.object.spec.list
}
