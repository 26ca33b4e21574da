# `every` over a literal list is a conjunction.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	every field in ["a", "b"] {
		input.object[field] == true
	}
}
