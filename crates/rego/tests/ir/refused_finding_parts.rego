# A finding without its parts.
package controls.x1

import rego.v1

deny contains {"fix": []} if {
	input.object.x == 1
}
