# A helper with an `else` chain.
package controls.x1

import rego.v1

level(thing) := "high" if {
	thing.a == true
} else := "low"

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	level(input.object) == "high"
}
