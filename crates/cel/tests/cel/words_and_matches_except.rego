# The words of a name; a match that is no exception.
package controls.x1

import rego.v1

import data.lib.strings
import data.lib.workload

deny contains {"message": "found", "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	contains(strings.words(container.name), "_key_")
	strings.matches_except("a[0-9]", "[12]$", container.spec.image)
}
