# `sprintf` with other verbs, missing and surplus values, and no literal.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	sprintf("%v", [1]) == ""
	sprintf("%d", [input.object.x]) == ""
	sprintf("%s", []) == ""
	sprintf("a", [1]) == ""
	sprintf(input.object.f, [1]) == ""
}
