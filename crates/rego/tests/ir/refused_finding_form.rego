# A finding that is no literal object.
package controls.x1

import rego.v1

deny contains input.object if {
	input.object.x == 1
}
