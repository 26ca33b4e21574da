# A call is undefined if an argument is, even if the helper ignores it.
package controls.x1

import rego.v1

accepts(_) := true

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	accepts(input.object.x)
}
