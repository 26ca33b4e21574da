# Membership in a rule that contains.
package controls.x1

import rego.v1

names contains "Pod"

names contains input.object.other if input.object.a == true

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.kind in names
}
