# Functions with a wrong number of arguments.
package controls.x1

import rego.v1

import data.lib.images

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	startswith("a")
	images.within("a")
	images.tag("a", "b") == ""
	object.get("a") == 1
	sprintf("a") == ""
	concat("a") == ""
	count("a", "b") == 1
}
