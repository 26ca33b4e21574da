# `replace` of what is no literal, and by something longer.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	replace(input.object.x, input.object.y, "") == ""
	replace(input.object.x, "a", "bb") == ""
}
