# Whether an image is from an allowed repository, and whether its tag can move to another image. `image` may be a value of any type;
# `tags` is the param floatingImageTags, `allowed` the param imageRepositoryAllowList.
package lib.provenance

import rego.v1

import data.lib.images

is_moving(tag, _) if tag == "latest"

is_moving(tag, tags) if tag in tags

# A digest fixes the image, whatever tag stands beside it.
is_moving_image(image, tags) if {
	is_string(image)
	is_moving(images.effective_tag(image), tags)
	images.digest(image) == ""
}

is_allowed(image, allowed) if {
	some pattern in allowed
	images.within(image, pattern)
}

# A template may omit the image; a pod may not, and is checked itself.
is_not_allowed(image, allowed) if {
	count(allowed) > 0
	images.name(image) != ""
	not is_allowed(image, allowed)
}
