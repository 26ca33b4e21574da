# The number of parts of a string.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	count(split(input.object.name, "/")) > 2
}
