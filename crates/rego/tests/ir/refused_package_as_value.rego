# A package of the library as a value.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	data.lib.workload == 1
}
