# `every` over a list: an empty list satisfies it.
# kind: x.io/Thing
package controls.x1

import rego.v1

import data.lib.collections

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	every rule in collections.list(input.object.spec.rules) {
		rule.open == true
	}
}
