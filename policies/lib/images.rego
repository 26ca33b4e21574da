# Image references as the kubelet and Docker read them: "nginx" is docker.io/library/nginx, "registry:5000/app" has a
# port and no tag. Total: what is no string, or empty, has empty parts.
#
# Each question reads the reference once and keeps what it found in names: an engine that does not remember the answers
# of functions would otherwise read it dozens of times.
package lib.images

import rego.v1

import data.lib.strings

# The host (with its port) that the image is pulled from, in lower case. https' own port 443 says nothing.
registry(image) := host_of(untagged(image))

# The repository inside its registry. Docker Hub's official images live under "library/".
repository(image) := repository_of(rest, host_of(rest)) if rest := untagged(image)

# Registry and repository, without tag and digest: "docker.io/library/nginx".
name(image) := name_of(untagged(image))

# The tag that the reference spells out, else "".
tag(image) := tag_of(last_segment(undigested(image)))

# The digest, such as "sha256:…", else "".
digest(image) := substring(image, indexof(image, "@") + 1, -1) if contains(image, "@")

else := ""

# The tag that is pulled: "latest" where the reference has neither tag nor digest.
effective_tag(image) := tag_or(tag(image), image)

tag_or(spelled, image) := spelled if spelled != ""

else := "latest" if {
	undigested(image) != ""
	not contains(image, "@")
}

else := ""

# The image comes from a place: a registry ("quay.io") or a repository and what lies below it ("quay.io/team",
# "docker.io/library/nginx", "grafana" for Docker Hub's grafana). Never half a name: "quay.io/team" is not
# "quay.io/teamwork". An empty place holds nothing.
within(image, place) if {
	wanted := place_name(place)
	wanted != ""
	some spelling in spellings(name(image))
	holds(wanted, spelling)
}

holds(place, spelling) if spelling == place

holds(place, spelling) if startswith(spelling, concat("", [place, "/"]))

# One image has several names: Docker Hub answers at more than one host, and "library/" may be left out.
spellings(full) := [] if full == ""

else := [full, hub, short_name(hub)] if hub := hub_name(full, split(full, "/")[0])

short_name(hub) := concat("", ["docker.io/", trim_prefix(hub, official)]) if startswith(hub, official)

else := hub

official := "docker.io/library/"

hub_name(full, host) := concat("", ["docker.io", substring(full, count(host), -1)]) if host in other_hub_hosts

else := full

other_hub_hosts := {"registry-1.docker.io", "registry.hub.docker.com"}

place_name(place) := located(trim_right(strings.lower_ascii(place), "/")) if is_string(place)

else := ""

located(place) := "" if place == ""

else := sprintf("%s%s", [canonical_host(host), substring(place, count(host), -1)]) if {
	host := split(place, "/")[0]
	is_host(host)
}

else := sprintf("docker.io/%s", [place])

canonical_host(host) := canonical_spelling(trim_suffix(strings.lower_ascii(host), ":443"))

canonical_spelling(host) := "docker.io" if host == "index.docker.io"

else := host

# What stands before the first slash is a registry if it looks like a host, else a part of the repository.
host_of(rest) := canonical_host(host) if {
	contains(rest, "/")
	host := split(rest, "/")[0]
	is_host(host)
}

else := "docker.io" if rest != ""

else := ""

repository_of(rest, host) := concat("", ["library/", local]) if {
	local := local_name(rest)
	host == "docker.io"
	not contains(local, "/")
}

else := local_name(rest)

name_of(rest) := "" if rest == ""

else := concat("/", [host, repository_of(rest, host)]) if host := host_of(rest)

local_name(rest) := substring(rest, count(host) + 1, -1) if {
	contains(rest, "/")
	host := split(rest, "/")[0]
	is_host(host)
}

else := rest

is_host(segment) if contains(segment, ".")

is_host(segment) if contains(segment, ":")

is_host("localhost") if true

is_host(segment) if strings.lower_ascii(segment) != segment

last_segment(reference) := parts[count(parts) - 1] if parts := split(reference, "/")

# A colon in the last segment starts the tag; one before it belongs to a port.
tag_of(segment) := substring(segment, indexof(segment, ":") + 1, -1) if contains(segment, ":")

else := ""

untagged(image) := without_tag(whole, last_segment(whole)) if whole := undigested(image)

without_tag(whole, segment) := trim_suffix(whole, concat("", [":", tag_of(segment)])) if contains(segment, ":")

else := whole

undigested(image) := split(image, "@")[0] if is_string(image)

else := ""
