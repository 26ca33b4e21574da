# What several bodies repeat, and depends on no loop, is a variable.
# style: readable
package controls.x1

import rego.v1

import data.lib.workload

has_user if {
	object.get(workload.pod_spec, ["securityContext", "windowsOptions", "runAsUserName"], "nobody") != "nobody"
}

deny contains {"message": "the pod", "paths": ["spec"], "fixes": []} if {
	has_user
	workload.pod_spec.hostPID == true
}

deny contains {"message": "the other pod", "paths": ["spec"], "fixes": []} if {
	has_user
	workload.pod_spec.hostIPC == true
}

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	has_user
	some container in workload.containers
	container.spec.tty == true
}

deny contains {"message": sprintf("other container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	has_user
	some container in workload.containers
	container.spec.stdin == true
}
