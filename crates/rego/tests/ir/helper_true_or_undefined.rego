# A helper with several bodies is their disjunction.
package controls.x1

import rego.v1

is_bad(thing) if thing.a == 1

is_bad(thing) if thing.b == 2

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	is_bad(input.object)
}
