# The count of a literal set.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	count({1, 2}) == 2
}
