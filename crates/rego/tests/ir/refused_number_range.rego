# Numbers that are not whole or too large.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.x == 1.5
	input.object.x == 9223372036854775808
}
