# `every` over a list: none fails, and there is a list.
package controls.x1

import rego.v1

import data.lib.collections

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	every rule in collections.list(input.object.rules) {
		rule.open == true
	}
}
