# Parts of images in a pack: a cheap test comes before the regular expressions, and strings that patterns are matched
# with are measured once for all controls.
package controls.x1

import rego.v1

import data.lib.images
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	endswith(concat("", ["/", images.repository(container.spec.image)]), "/library/example/tool")
	regex.match(`^v1\.`, images.tag(container.spec.image))
}
# next control
package controls.x2

import rego.v1

import data.lib.images
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	images.registry(container.spec.image) in ["gcr.io", "quay.io"]
	some argument in container.spec.command
	regex.match(`^abc`, substring(argument, 0, 20))
}
# next control
package controls.x3

import rego.v1

import data.lib.images
import data.lib.workload

deny contains {"message": sprintf("container %s", [container.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	images.registry(container.spec.image) == "docker.io"
	images.repository(container.spec.image) == "library/lib"
	some argument in container.spec.command
	regex.match(`^abcd`, argument)
}
