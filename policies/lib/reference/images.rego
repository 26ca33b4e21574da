# Reference definition of the intrinsics `registry`, `repository`, `name`, `tag`, `digest`, `effective_tag` and `within`;
# the engine uses native code, and exported policies use CEL. The oracle tests hold all three equal.
#
# Image references as the kubelet and Docker read them: "nginx" is docker.io/library/nginx, "registry:5000/app" has a
# port and no tag. Every rule here is total: a value that is empty or not a string has empty parts.
#
# Each function parses the reference once and passes the parts on: an engine that does not memoize functions would
# otherwise parse it dozens of times.
package lib.images

import rego.v1

import data.lib.strings

# The host of the registry in lower case, with its port unless that is 443, the default of https.
registry(image) := host_of(untagged(image))

# The repository within its registry. The official images of Docker Hub are under "library/".
repository(image) := repository_of(rest, host_of(rest)) if rest := untagged(image)

# Registry and repository, without tag and digest: "docker.io/library/nginx".
name(image) := name_of(untagged(image))

# The tag as written, else "".
tag(image) := tag_of(last_segment(undigested(image)))

# The digest, such as "sha256:…", else "".
digest(image) := substring(image, indexof(image, "@") + 1, -1) if contains(image, "@")

else := ""

# The tag that is pulled: "latest" if the reference has neither tag nor digest.
effective_tag(image) := tag_or(tag(image), image)

tag_or(written, image) := written if written != ""

else := "latest" if {
	undigested(image) != ""
	not contains(image, "@")
}

else := ""

# The image matches a pattern: a registry ("quay.io"), or a repository with everything below it ("quay.io/team",
# "docker.io/library/nginx", "grafana" for grafana at Docker Hub). Segments match as a whole: "quay.io/team" does not
# match "quay.io/teamwork". The empty pattern matches nothing.
within(image, pattern) if {
	prefix := pattern_name(pattern)
	prefix != ""
	some spelling in spellings(name(image))
	is_prefix_of(prefix, spelling)
}

is_prefix_of(prefix, spelling) if spelling == prefix

is_prefix_of(prefix, spelling) if startswith(spelling, concat("", [prefix, "/"]))

# An image at Docker Hub has several names: there are several hosts, and "library/" is optional.
spellings(full) := [] if full == ""

else := [full, hub, short_name(hub)] if hub := hub_name(full, split(full, "/")[0])

short_name(hub) := concat("", ["docker.io/", trim_prefix(hub, official)]) if startswith(hub, official)

else := hub

official := "docker.io/library/"

hub_name(full, host) := concat("", ["docker.io", substring(full, count(host), -1)]) if host in other_hub_hosts

else := full

other_hub_hosts := {"registry-1.docker.io", "registry.hub.docker.com"}

pattern_name(pattern) := with_registry(trim_right(strings.lower_ascii(pattern), "/")) if is_string(pattern)

else := ""

with_registry(pattern) := "" if pattern == ""

else := sprintf("%s%s", [canonical_host(host), substring(pattern, count(host), -1)]) if {
	host := split(pattern, "/")[0]
	is_host(host)
}

else := sprintf("docker.io/%s", [pattern])

canonical_host(host) := canonical_spelling(trim_suffix(strings.lower_ascii(host), ":443"))

canonical_spelling(host) := "docker.io" if host == "index.docker.io"

else := host

# The segment before the first slash is the registry if it looks like a host, else a part of the repository.
host_of(rest) := canonical_host(host) if {
	contains(rest, "/")
	host := split(rest, "/")[0]
	is_host(host)
}

else := "docker.io" if {
	rest != ""
}

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

is_host(segment) if segment == "localhost"

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
