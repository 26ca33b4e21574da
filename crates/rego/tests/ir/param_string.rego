# A param that is a string.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.metadata.name == input.params.cloudProvider
}
