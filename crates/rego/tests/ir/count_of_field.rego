# The number of elements of a field.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	count(input.object.spec.list) > 1
}
