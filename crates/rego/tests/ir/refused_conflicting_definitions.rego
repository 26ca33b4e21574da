# Two definitions with different values.
package controls.x1

import rego.v1

p(thing) := 1 if thing.a

p(thing) := 2 if thing.b

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p(input.object) == 1
}
