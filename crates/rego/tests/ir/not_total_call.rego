# `not` of a call that is always defined.
package controls.x1

import rego.v1

import data.lib.images
import data.lib.workload

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	some container in workload.containers
	image := object.get(container.spec, "image", "")
	not images.within(image, "docker.io")
}
