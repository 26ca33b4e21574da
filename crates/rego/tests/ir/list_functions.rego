# A list of strings as one string, and what stands in it.
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.strings
import data.lib.workload

deny contains {"message": concat(" ", ["found", value]), "paths": ["spec"], "fixes": []} if {
	some container in workload.containers
	words := strings.join(collections.list(object.get(container.spec, ["command"], [])), "\n")
	contains(words, "--a=")
	value := strings.last_between(words, "--a=", "\n")
}
