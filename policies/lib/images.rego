# Image references as the kubelet and Docker read them: "nginx" is docker.io/library/nginx, "registry:5000/app" has a
# port and no tag. Total: what is no string, or empty, has empty parts.
package lib.images

import rego.v1

import data.lib.strings

# The host (with its port) that the image is pulled from, in lower case. https' own port 443 says nothing.
registry(image) := canonical_host(first_segment(image)) if has_registry(image)

else := "docker.io" if untagged(image) != ""

else := ""

# The repository inside its registry. Docker Hub's official images live under "library/".
repository(image) := sprintf("library/%s", [local_name(image)]) if {
	registry(image) == "docker.io"
	not contains(local_name(image), "/")
}

else := local_name(image)

# Registry and repository, without tag and digest: "docker.io/library/nginx".
name(image) := sprintf("%s/%s", [registry(image), repository(image)]) if untagged(image) != ""

else := ""

# The tag that the reference spells out, else "".
tag(image) := substring(last_segment(image), indexof(last_segment(image), ":") + 1, -1) if contains(last_segment(image), ":")

else := ""

# The digest, such as "sha256:…", else "".
digest(image) := substring(image, indexof(image, "@") + 1, -1) if contains(image, "@")

else := ""

# The tag that is pulled: "latest" where the reference has neither tag nor digest.
effective_tag(image) := tag(image) if tag(image) != ""

else := "latest" if {
	undigested(image) != ""
	digest(image) == ""
}

else := ""

# The image comes from a place: a registry ("quay.io") or a repository and what lies below it ("quay.io/team",
# "docker.io/library/nginx", "grafana" for Docker Hub's grafana). Never half a name: "quay.io/team" is not
# "quay.io/teamwork". An empty place holds nothing.
within(image, place) if {
	some spelling in spellings(image)
	spelling == place_name(place)
}

within(image, place) if {
	place_name(place) != ""
	some spelling in spellings(image)
	startswith(spelling, sprintf("%s/", [place_name(place)]))
}

# One image has several names: Docker Hub answers at more than one host, and "library/" may be left out.
spellings(image) := [name(image), hub_name(image), replace(hub_name(image), "docker.io/library/", "docker.io/")] if name(image) != ""

else := []

hub_name(image) := sprintf("docker.io/%s", [repository(image)]) if registry(image) in hub_hosts

else := name(image)

hub_hosts := {"docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

place_name(place) := located(trim_right(strings.lower_ascii(place), "/")) if is_string(place)

else := ""

located(place) := "" if place == ""

else := sprintf("%s%s", [canonical_host(host), substring(place, count(host), -1)]) if {
	host := split(place, "/")[0]
	is_host(host)
}

else := sprintf("docker.io/%s", [place])

canonical_host(host) := "docker.io" if trim_suffix(strings.lower_ascii(host), ":443") == "index.docker.io"

else := trim_suffix(strings.lower_ascii(host), ":443")

# What stands before the first slash is a registry if it looks like a host, else a part of the repository.
has_registry(image) if {
	contains(untagged(image), "/")
	is_host(first_segment(image))
}

is_host(segment) if contains(segment, ".")

is_host(segment) if contains(segment, ":")

is_host("localhost") if true

is_host(segment) if strings.lower_ascii(segment) != segment

local_name(image) := substring(untagged(image), count(first_segment(image)) + 1, -1) if has_registry(image)

else := untagged(image)

first_segment(image) := split(untagged(image), "/")[0]

last_segment(image) := parts[count(parts) - 1] if parts := split(undigested(image), "/")

# A colon in the last segment starts the tag; one before it belongs to a port.
untagged(image) := trim_suffix(undigested(image), sprintf(":%s", [tag(image)])) if contains(last_segment(image), ":")

else := undigested(image)

undigested(image) := split(image, "@")[0] if is_string(image)

else := ""
