package controls.c0020

import rego.v1

import data.lib.collections
import data.lib.files
import data.lib.workload

# The whole file system of the node holds every cloud's credentials.
holds_credentials(path) if path == "/"

holds_credentials(path) if {
	input.params.cloudProvider in {"", "aws", "eks"}
	some place in ["/.aws", "/.aws/config", "/.aws/credentials", "/.aws/sso", "/.aws/sso/cache", "/.aws/cli/cache"]
	endswith(path, place)
}

holds_credentials(path) if {
	input.params.cloudProvider in {"", "gce", "gke", "gcp"}
	some place in [
		"/.config",
		"/gcloud",
		"/gcloud/application_default_credentials.json",
		"/gcloud/credentials.db",
		"/gcloud/access_tokens.db",
		"/gcloud/legacy_credentials",
	]
	endswith(path, place)
}

holds_credentials(path) if {
	in_azure
	some place in ["/.azure", "/.azure/credentials", "/.azure/accessTokens.json", "/.azure/msal_token_cache.json"]
	endswith(path, place)
}

# Where an AKS node keeps the identity of the cluster.
holds_credentials(path) if {
	in_azure
	path in {"/etc", "/etc/kubernetes", "/etc/kubernetes/azure.json"}
}

in_azure if input.params.cloudProvider in {"", "azure", "aks"}

mounted(volume) if {
	some container in workload.containers
	some mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
}

deny contains finding if {
	some volume in workload.volumes
	path := files.clean(volume.spec.hostPath.path)
	holds_credentials(path)
	not mounted(volume)
	finding := {
		"message": sprintf("volume %s is %s of the node, where the credentials of a cloud account may lie", [volume.name, path]),
		"paths": [volume.path],
		"fixes": [],
	}
}

deny contains finding if {
	some volume in workload.volumes
	path := files.clean(volume.spec.hostPath.path)
	holds_credentials(path)
	some container in workload.containers
	some i, mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
	finding := {
		"message": sprintf("container %s mounts %s of the node, where the credentials of a cloud account may lie", [container.name, path]),
		"paths": [volume.path, workload.at(container, sprintf("volumeMounts[%d]", [i]))],
		"fixes": [],
	}
}
