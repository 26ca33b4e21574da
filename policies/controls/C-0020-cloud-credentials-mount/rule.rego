package controls.c0020

import rego.v1

import data.lib.collections
import data.lib.host_paths
import data.lib.workload

# The whole node and the homes of its users hold the credentials of every cloud.
shows_credentials(path) if host_paths.is_whole_node(path)

shows_credentials(path) if path in {"/root", "/home"}

shows_credentials(path) if {
	startswith(path, "/home/")
	count(split(path, "/")) == 3
}

# A home can be anywhere, so the folder of the tool is enough. `place` is what lies in that folder.
shows_credentials(path) if {
	input.params.cloudProvider in {"", "aws", "eks"}
	some place in ["config/", "credentials/", "sso/cache/", "cli/cache/"]
	startswith(place, split(concat("", [path, "/"]), "/.aws/")[1])
}

shows_credentials(path) if {
	is_google
	some place in ["application_default_credentials.json/", "credentials.db/", "access_tokens.db/", "legacy_credentials/"]
	startswith(place, split(concat("", [path, "/"]), "/gcloud/")[1])
}

# The folder gcloud is in ~/.config.
shows_credentials(path) if {
	is_google
	endswith(path, "/.config")
}

shows_credentials(path) if {
	is_azure
	some place in ["credentials/", "accessTokens.json/", "msal_token_cache.json/", "service_principal_entries.json/"]
	startswith(place, split(concat("", [path, "/"]), "/.azure/")[1])
}

# An AKS node keeps the identity of the cluster in this file.
shows_credentials(path) if {
	is_azure
	path != ""
	startswith("/etc/kubernetes/azure.json/", host_paths.folder(path))
}

is_google if input.params.cloudProvider in {"", "gce", "gke", "gcp"}

is_azure if input.params.cloudProvider in {"", "azure", "aks"}

deny contains finding if {
	some volume in workload.volumes
	path := host_paths.path_of(volume)
	shows_credentials(path)
	not workload.is_mounted(volume)
	finding := {
		"message": sprintf("volume %s is %s of the node, which can hold cloud credentials", [volume.name, path]),
		"paths": [volume.path],
		"fixes": [],
	}
}

deny contains finding if {
	some volume in workload.volumes
	path := host_paths.path_of(volume)
	shows_credentials(path)
	some container in workload.containers
	some i, mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
	finding := {
		"message": sprintf("container %s mounts %s of the node, which can hold cloud credentials", [container.name, path]),
		"paths": [volume.path, workload.at(container, sprintf("volumeMounts[%d]", [i]))],
		"fixes": [],
	}
}
