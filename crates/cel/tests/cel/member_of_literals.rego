# Membership in a literal set.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.spec.restartPolicy in {"Never", "OnFailure"}
}
