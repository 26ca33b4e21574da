# Two bodies of a helper in one rule.
package controls.x1

import rego.v1

p if {
	input.object.x == 1
} {
	input.object.x == 2
}

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p
}
