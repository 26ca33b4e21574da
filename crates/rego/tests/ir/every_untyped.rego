# `every` over a field that may be a list or a map.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	every key, rule in input.object.rules {
		rule.name == key
	}
}
