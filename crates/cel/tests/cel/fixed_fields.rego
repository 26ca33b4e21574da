# What no update of a Pod changes brings in no finding with an update: there are no keys.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": "found", "paths": [path], "fixes": []} if {
	some container in workload.resource_containers
	container.spec.tty == true
	path := workload.at(container, "tty")
}
