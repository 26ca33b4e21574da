# A comprehension.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	count([x | some x in input.object.list]) > 1
}
