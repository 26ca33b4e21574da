# A `default` rule that is used.
package controls.x1

import rego.v1

default p := 1

p := 2 if input.object.x == 1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p == 1
}
