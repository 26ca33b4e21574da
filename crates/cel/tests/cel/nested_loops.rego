# Ports in containers: keys nested two deep.
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [workload.at(container, sprintf("ports[%d].hostPort", [i]))], "fixes": []} if {
	some container in workload.containers
	some i, port in collections.list(object.get(container.spec, "ports", []))
	port.hostPort > 0
}
