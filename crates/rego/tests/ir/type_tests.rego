# Tests of types.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := input.object.x
	not is_null(x)
	is_boolean(x)
	is_number(x)
	is_string(x)
	is_array(x)
	is_object(x)
}
