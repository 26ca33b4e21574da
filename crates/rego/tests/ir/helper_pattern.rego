# A literal in place of an argument is a pattern.
package controls.x1

import rego.v1

is_kind("Pod", thing) if thing.kind == "Pod"

is_kind("Job", thing) if thing.kind == "Job"

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	is_kind("Pod", input.object)
}
