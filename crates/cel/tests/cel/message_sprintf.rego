# A message with a value of unknown type.
# kind: x.io/Thing
package controls.x1

import rego.v1

deny contains {"message": sprintf("%s is 100%% open", [input.object.spec.zone]), "paths": ["spec"], "fixes": []} if {
	input.object.spec.mode == "open"
	is_string(input.object.spec.zone)
}
