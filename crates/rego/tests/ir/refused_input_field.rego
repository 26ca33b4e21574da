# A field of `input` that is not compiled.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.oldObject.x == 1
}
