# A loop over a field that may be a list or a map.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some rule in input.object.rules
	rule.open == true
}
