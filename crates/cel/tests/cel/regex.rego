# A literal pattern.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	regex.match("^[a-z]+$", input.object.spec.nodeName)
}
