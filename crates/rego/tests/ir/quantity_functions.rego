# Predicates of quantities.
package controls.x1

import rego.v1

import data.lib.quantities

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	quantities.is_quantity(input.object.x)
	quantities.less(input.object.x, input.object.y)
	quantities.is_positive(input.object.x)
}
