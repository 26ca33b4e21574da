# `not` before a comparison other than `==`.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not input.object.x > 1
}
