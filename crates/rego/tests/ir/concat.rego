# `concat` of a literal list.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": concat("/", ["a", container.name, "b"]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	container.spec.tty == true
}
