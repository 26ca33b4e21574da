# A long term that is used twice is bound once.
package controls.x1

import rego.v1

import data.lib.images
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	registry := images.registry(container.spec.image)
	startswith(registry, "a")
	endswith(registry, "b")
}
