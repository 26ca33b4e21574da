# Each element of a param that is a list.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some name in input.params.insecureCapabilities
	input.object.metadata.name == name
}
