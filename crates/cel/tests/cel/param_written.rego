# A param whose values are literals in the expression.
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	some capability in collections.list(object.get(container.spec, ["securityContext", "capabilities", "add"], []))
	capability in input.params.insecureCapabilities
}
