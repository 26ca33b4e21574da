# A comparison of literals is decided; the rest stays.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	1 == 1
	"a" != "b"
	input.object.x == 1
}
