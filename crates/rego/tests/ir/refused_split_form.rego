# `split` without an index.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	split(input.object.x, ":") == 1
}
