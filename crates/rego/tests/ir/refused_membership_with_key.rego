# Membership with a key.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	"a", 1 in input.object.x
}
