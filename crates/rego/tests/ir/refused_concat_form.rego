# `concat` of a list that is no literal.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	concat("/", input.object.list) == "a"
}
