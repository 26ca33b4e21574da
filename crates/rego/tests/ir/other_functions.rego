# Functions of paths, connections and collections.
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.connections
import data.lib.files

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	files.clean(input.object.path) == "/"
	connections.target != ""
	connections.command != ""
	connections.ports != ""
	collections.is_empty(input.object.list)
}
