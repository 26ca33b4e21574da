# `not` with a helper that is a membership in a literal set.
# kind: x.io/Thing
package controls.x1

import rego.v1

is_known(thing) if thing.spec.mode in {"a", "b"}

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	not is_known(input.object)
}
