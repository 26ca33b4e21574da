# A helper with two bodies is their disjunction.
package controls.x1

import rego.v1

is_bad(spec) if spec.hostPID == true

is_bad(spec) if spec.hostIPC == true

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	is_bad(input.object.spec)
}
