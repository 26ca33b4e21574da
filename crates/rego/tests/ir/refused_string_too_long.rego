# A string with too many parts.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := input.object.x
	a := concat("/", [x, x, x, x, x, x, x, x])
	b := concat("/", [a, a, a, a, a, a, a, a])
	c := concat("/", [b, b, b, b, b, b, b, b])
	d := concat("/", [c, c, c, c, c, c, c, c])
	d == ""
}
