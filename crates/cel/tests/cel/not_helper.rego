# `not` with a helper.
package controls.x1

import rego.v1

is_good(pod) if {
	pod.spec.hostPID == false
	pod.spec.hostIPC == false
}

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not is_good(input.object)
}
