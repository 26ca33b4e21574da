# The index in a literal list is a literal.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some index, field in ["a", "b"]
	input.object[field] == index
}
