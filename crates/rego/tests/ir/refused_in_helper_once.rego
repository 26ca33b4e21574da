# A refusal in a helper that is called twice is listed once.
package controls.x1

import rego.v1

p(x) if x + 1 == 2

q(x) if lower(x) == "a"

q(x) if upper(x) == "A"

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p(input.object.a)
	p(input.object.b)
	q(input.object.c)
}
