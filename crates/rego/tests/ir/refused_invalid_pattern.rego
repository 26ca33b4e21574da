# A pattern that is not valid.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	regex.match("(", input.object.x)
}
