# A helper may stand for a literal object; its field is used.
package controls.x1

import rego.v1

defaults := {"kind": "Pod", "x": 1}

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.kind == defaults.kind
}
