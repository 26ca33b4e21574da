# A helper whose value is an element of a loop.
package controls.x1

import rego.v1

p := rule.x if some rule in input.object.rules

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p == 1
}
