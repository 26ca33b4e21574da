# `every` over a rule that contains.
package controls.x1

import rego.v1

names contains "x" if input.object.x == 1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	every name in names {
		name == "x"
	}
}
