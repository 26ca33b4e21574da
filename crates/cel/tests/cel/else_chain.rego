# A helper with an `else` chain is a conditional.
# kind: x.io/Thing
package controls.x1

import rego.v1

level(spec) := "high" if spec.size > 9

else := spec.level if is_string(spec.level)

else := "low"

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	level(input.object.spec) == "high"
}
