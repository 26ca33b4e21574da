# Each element of a literal list makes a clause.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": field, "paths": [workload.pod_at(field)], "fixes": []} if {
	some field in ["hostPID", "hostIPC"]
	workload.pod_spec[field] == true
}
