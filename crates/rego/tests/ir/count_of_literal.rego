# The count of a literal is folded.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	count(["a", "b"]) == count("ab")
}
