package controls.c0306

import rego.v1

import data.lib.images
import data.lib.workload

# Runtimes refuse a shortened digest.
is_digest(digest) if regex.match(`^sha256:[0-9a-f]{64}$`, digest)

is_digest(digest) if regex.match(`^sha512:[0-9a-f]{128}$`, digest)

# Another algorithm, such as blake3, has at least 32 digits.
is_digest(digest) if {
	regex.match(`^[A-Za-z][0-9A-Za-z]*([-_+.][A-Za-z][0-9A-Za-z]*)*:[0-9a-fA-F]{32,}$`, digest)
	not is_sha2(digest)
}

is_sha2(digest) if startswith(digest, "sha256:")

is_sha2(digest) if startswith(digest, "sha512:")

is_exempt(image) if {
	some repository in input.params.imageDigestExemptRepositories
	images.within(image, repository)
}

lacks_digest(image) if {
	is_string(image)
	image != ""
	digest := images.digest(image)
	not is_digest(digest)
	not is_exempt(image)
}

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	lacks_digest(image)
	finding := {
		"message": sprintf("image %s of container %s has no digest", [image, container.name]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	image := volume.spec.image.reference
	lacks_digest(image)
	finding := {
		"message": sprintf("image %s of volume %s has no digest", [image, volume.name]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
