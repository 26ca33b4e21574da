# Each pattern of a param.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some pattern in input.params.secretValuePatterns
	regex.match(pattern, input.object.x)
}
