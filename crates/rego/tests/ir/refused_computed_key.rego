# A key of an object that is computed.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := {input.object.k: 1}
	x.a == 1
}
