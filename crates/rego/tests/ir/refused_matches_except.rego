# The patterns of a match with exceptions are literals.
package controls.x1

import rego.v1

import data.lib.strings

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	strings.matches_except(input.object.x, "[12]$", input.object.y)
}
