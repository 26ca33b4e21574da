# A fallback of another type is dropped where a type is tested.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	is_string(object.get(input.object, "name", 1))
}
