# The words of a name; a match that is no exception.
package controls.x1

import rego.v1

import data.lib.strings

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	contains(strings.words(input.object.x), "_key_")
	strings.matches_except("a[0-9]", "[12]$", input.object.y)
}
