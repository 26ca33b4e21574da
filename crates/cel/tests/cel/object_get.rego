# `object.get` with a fallback.
# kind: x.io/Thing
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	object.get(input.object, ["spec", "size"], 1) > 3
}
