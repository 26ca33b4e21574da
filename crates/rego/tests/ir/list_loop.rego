# A loop over indexes and elements of a list.
package controls.x1

import rego.v1

import data.lib.collections

deny contains {"message": "found", "paths": [sprintf("spec.rules[%d]", [index])], "fixes": []} if {
	some index, rule in collections.list(object.get(input.object, ["spec", "rules"], []))
	rule.open == true
}
