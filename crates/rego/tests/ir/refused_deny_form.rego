# `deny` without `contains`.
package controls.x1

import rego.v1

deny := {"message": "found", "paths": ["spec"], "fixes": []} if input.object.x == 1

