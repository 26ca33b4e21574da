# Functions of image references.
package controls.x1

import rego.v1

import data.lib.images

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	image := object.get(input.object, "image", "")
	images.registry(image) == "docker.io"
	images.repository(image) == "library/nginx"
	images.name(image) != ""
	images.tag(image) == ""
	images.digest(image) == ""
	images.effective_tag(image) == "latest"
	images.within(image, "docker.io/library")
}
