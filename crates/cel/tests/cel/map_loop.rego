# A loop over the keys and values of a map.
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.fields

deny contains {"message": sprintf("label %s", [key]), "paths": [fields.entry("metadata.labels", key)], "fixes": []} if {
	some key, value in collections.map(input.object.metadata.labels)
	value == "x"
}
