# Where an image comes from, and whether its name means the same image tomorrow. `image` may be a value of any type.
package lib.provenance

import rego.v1

import data.lib.images

is_moving(tag) if tag == "latest"

is_moving(tag) if tag in input.params.floatingImageTags

# A digest fixes the image, whatever tag stands beside it.
is_moving_image(image) if {
	is_string(image)
	is_moving(images.effective_tag(image))
	images.digest(image) == ""
}

is_allowed(image) if {
	some pattern in input.params.imageRepositoryAllowList
	images.within(image, pattern)
}

# A template may omit the image; a pod may not, and is checked itself.
is_not_allowed(image) if {
	count(input.params.imageRepositoryAllowList) > 0
	images.name(image) != ""
	not is_allowed(image)
}
