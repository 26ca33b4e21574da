# The first element of the only required param is defined.
# requires: insecureCapabilities
package controls.x1

import rego.v1

deny contains {"message": input.params.insecureCapabilities[0], "paths": ["x"], "fixes": []} if {
	input.object.x == 1
}
