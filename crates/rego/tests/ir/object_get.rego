# `object.get` with a fallback.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	object.get(input.object, ["spec", "replicas"], 1) > 3
}
