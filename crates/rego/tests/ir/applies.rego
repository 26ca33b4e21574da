# `applies` is a condition of every clause, decided outside of its loops.
# kinds: /Pod
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.workload

applies if {
	input.object.metadata.namespace == "kube-system"
	some container in workload.containers
	runs(container, "etcd")
}

applies if input.object.metadata.name == "etcd"

runs(container, program) if {
	some word in collections.list(object.get(container.spec, ["command"], []))
	word == program
}

deny contains {"message": "found", "paths": [workload.at(container, "image")], "fixes": []} if {
	some container in workload.containers
	container.spec.image == "bad"
}

deny contains {"message": sprintf("%s is found", [name]), "paths": ["spec"], "fixes": []} if {
	name := input.object.metadata.name
	is_string(name)
}
