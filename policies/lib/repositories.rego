# Images by the name of their project.
package lib.repositories

import rego.v1

import data.lib.images

# The image of a project, such as "argoproj/argocd": from any registry, also from a mirror with a path of its own
# ("registry.example.com/quay/argoproj/argocd").
is_of(image, project) if {
	endswith(concat("", ["/", images.repository(image)]), concat("", ["/", project]))
}
