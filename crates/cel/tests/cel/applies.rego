# `applies` is shared by the controls that say it alike, and decides before their bodies.
# kind: /Pod
package controls.x1

import rego.v1

import data.lib.workload

applies if {
	some container in workload.containers
	container.spec.image == "etcd"
}

deny contains {"message": "one", "paths": ["spec"], "fixes": []} if {
	some container in workload.containers
	container.spec.tty == true
}

deny contains {"message": "two", "paths": ["spec"], "fixes": []} if input.object.spec.hostPID == true
# next control
package controls.x2

import rego.v1

import data.lib.workload

applies if {
	some container in workload.containers
	container.spec.image == "etcd"
}

deny contains {"message": "three", "paths": ["spec"], "fixes": []} if input.object.spec.hostIPC == true
