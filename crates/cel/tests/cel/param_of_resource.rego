# A param that is read from the resource, with the default as fallback.
# params: resource
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	some capability in collections.list(object.get(container.spec, ["securityContext", "capabilities", "add"], []))
	capability in input.params.insecureCapabilities
}
