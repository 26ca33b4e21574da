# A helper with an `else` makes a message defined.
package controls.x1

import rego.v1

name := input.object.metadata.name if {
	is_string(input.object.metadata.name)
} else := "unnamed"

deny contains {"message": sprintf("%s", [name]), "paths": ["metadata.name"], "fixes": []} if {
	input.object.x == 1
}
