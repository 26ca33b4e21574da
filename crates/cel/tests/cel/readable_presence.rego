# A field is tested once and then read as it is.
# style: readable
package controls.x1

import rego.v1

import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	image := container.spec.image
	is_string(image)
	contains(image, "a")
	not endswith(image, "b")
	not startswith(image, "c")
}
