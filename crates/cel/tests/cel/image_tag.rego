# The effective tag of an image.
package controls.x1

import rego.v1

import data.lib.images
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	images.effective_tag(container.spec.image) == "latest"
}
