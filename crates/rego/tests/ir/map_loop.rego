# A loop over keys and values of a map.
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.fields

deny contains {"message": key, "paths": [fields.entry("data", key)], "fixes": []} if {
	some key, value in collections.map(input.object.data)
	value == "x"
}
