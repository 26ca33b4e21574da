# Alternatives of one term with string literals are one membership.
package controls.x1

import rego.v1

is_bad(thing) if thing.kind == "Pod"

is_bad(thing) if thing.kind == "Job"

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	is_bad(input.object)
}
