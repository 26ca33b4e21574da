# An optional field of a known type that must be true.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.spec.hostPID == true
}
