# A literal list with an undefined item is undefined as a whole.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some image in [input.object.a, input.object.b]
	image == "x"
}
