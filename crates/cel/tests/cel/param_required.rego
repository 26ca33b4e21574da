# A control without its required param does not apply.
# params: resource
# requires: untrustedRegistries
package controls.x1

import rego.v1

import data.lib.images
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	some registry in input.params.untrustedRegistries
	images.within(container.spec.image, registry)
}
