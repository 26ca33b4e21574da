# A call inside a negated comparison that may be undefined.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not count(input.object.x) == 1
}
