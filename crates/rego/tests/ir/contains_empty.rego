# That a rule contains nothing.
package controls.x1

import rego.v1

names contains rule.name if some rule in input.object.rules

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	count(names) == 0
}
