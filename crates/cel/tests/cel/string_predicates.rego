# Predicates of strings: undefined for all other values.
# kind: x.io/Thing
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	startswith(input.object.spec.mode, "a")
	contains(input.object.spec.mode, "b")
	endswith(input.object.spec.mode, "c")
}
