# A list that may be null counts as empty.
# kind: x.io/Thing
package controls.x1

import rego.v1

import data.lib.collections

deny contains {"message": "found", "paths": ["spec.rules"], "fixes": []} if {
	some rule in collections.list(input.object.spec.rules)
	rule.open == true
}
