# A negated call whose argument may be undefined.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not startswith(input.object.x, "a")
}
