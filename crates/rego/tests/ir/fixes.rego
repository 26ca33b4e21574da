# Fixes that set a literal, set a computed value, and remove.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": [path], "fixes": [{"path": path, "value": {"b": [1, null], "a": false}}, {"path": path, "value": container.name}, {"path": path, "remove": true}]} if {
	some container in workload.containers
	path := workload.at(container, "tty")
	container.spec.tty == true
}
