# An index that is computed.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some key in input.params.insecureCapabilities
	input.object.map[key] == true
}
