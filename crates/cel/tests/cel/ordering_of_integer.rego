# The order of a field whose type is known.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.spec.terminationGracePeriodSeconds > 60
}
