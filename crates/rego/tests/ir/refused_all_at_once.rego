# All refusals of a rule are listed, and nothing that follows from one of them.
package controls.x1

import rego.v1

deny contains {"message": name, "paths": [input.object.path], "fixes": []} if {
	x := input.object.a + 1
	x == 2
	y := lower(x)
	some [a, b] in input.object.pairs
	a == b
	not input.object.c > 1
	name := sprintf("%v", [x])
	is_string(name)
}
