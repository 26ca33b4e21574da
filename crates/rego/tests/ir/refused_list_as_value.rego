# A list of the library as a value.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	workload.containers == 1
}
