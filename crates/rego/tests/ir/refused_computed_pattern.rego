# A pattern that is computed.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	regex.match(input.object.p, input.object.x)
}
