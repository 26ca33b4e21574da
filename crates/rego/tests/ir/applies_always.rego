# An `applies` that always holds is no condition.
package controls.x1

import rego.v1

applies := true

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if input.object.a == 1
