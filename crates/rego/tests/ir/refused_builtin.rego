# A builtin that does not mean the same in CEL.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	lower(input.object.x) == "a"
}
