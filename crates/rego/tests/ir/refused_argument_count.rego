# A helper with a wrong number of arguments.
package controls.x1

import rego.v1

p(thing) if thing == 1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p(1, 2)
}
