# A type test makes a message a string.
package controls.x1

import rego.v1

deny contains {"message": sprintf("%s", [name]), "paths": ["metadata.name"], "fixes": []} if {
	name := input.object.metadata.name
	is_string(name)
}
