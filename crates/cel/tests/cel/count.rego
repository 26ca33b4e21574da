# The length of a list.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	count(input.object.spec.tolerations) > 1
}
