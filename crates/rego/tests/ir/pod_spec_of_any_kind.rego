# Where the kinds do not all have a pod spec, it may be undefined.
# kinds: x.io/Thing
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not workload.pod_spec.hostPID
}
