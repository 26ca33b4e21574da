# Quantities are compared by value, not as strings.
package controls.x1

import rego.v1

import data.lib.quantities
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	limit := object.get(container.spec, ["resources", "limits", "cpu"], "0")
	quantities.less("2", limit)
}
