# What several bodies repeat, and depends on no loop, is a variable.
# style: readable
package controls.x1

import rego.v1

import data.lib.workload

runs_on_linux if {
	object.get(workload.pod_spec, ["os", "name"], "linux") != "windows"
	object.get(workload.pod_spec, ["hostUsers"], true) == true
}

deny contains {"message": "the pod", "paths": ["spec"], "fixes": []} if {
	runs_on_linux
	workload.pod_spec.hostPID == true
}

deny contains {"message": "the other pod", "paths": ["spec"], "fixes": []} if {
	runs_on_linux
	workload.pod_spec.hostIPC == true
}

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	runs_on_linux
	some container in workload.containers
	container.spec.tty == true
}

deny contains {"message": sprintf("other container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	runs_on_linux
	some container in workload.containers
	container.spec.stdin == true
}
