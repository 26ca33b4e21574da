# A test of a quantity is a regular expression.
package controls.x1

import rego.v1

import data.lib.quantities
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	quantities.is_positive(object.get(container.spec, ["resources", "limits", "cpu"], "0"))
}
