# Name, path and list of a container are strings.
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": container.name, "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	container.list == "containers"
}
