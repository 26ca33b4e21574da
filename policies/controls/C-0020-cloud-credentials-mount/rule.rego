package controls.c0020

import rego.v1

import data.lib.collections
import data.lib.files
import data.lib.workload

# The root of the node contains the credentials of every cloud.
may_contain_credentials(path) if path == "/"

may_contain_credentials(path) if {
	input.params.cloudProvider in {"", "aws", "eks"}
	some suffix in ["/.aws", "/.aws/config", "/.aws/credentials", "/.aws/sso", "/.aws/sso/cache", "/.aws/cli/cache"]
	endswith(path, suffix)
}

may_contain_credentials(path) if {
	input.params.cloudProvider in {"", "gce", "gke", "gcp"}
	some suffix in [
		"/.config",
		"/gcloud",
		"/gcloud/application_default_credentials.json",
		"/gcloud/credentials.db",
		"/gcloud/access_tokens.db",
		"/gcloud/legacy_credentials",
	]
	endswith(path, suffix)
}

may_contain_credentials(path) if {
	is_azure
	some suffix in ["/.azure", "/.azure/credentials", "/.azure/accessTokens.json", "/.azure/msal_token_cache.json"]
	endswith(path, suffix)
}

# An AKS node keeps the identity of the cluster in this file.
may_contain_credentials(path) if {
	is_azure
	path in {"/etc", "/etc/kubernetes", "/etc/kubernetes/azure.json"}
}

is_azure if input.params.cloudProvider in {"", "azure", "aks"}

deny contains finding if {
	some volume in workload.volumes
	path := files.clean(volume.spec.hostPath.path)
	may_contain_credentials(path)
	not workload.is_mounted(volume)
	finding := {
		"message": sprintf("volume %s is %s of the node, where the credentials of a cloud account may lie", [volume.name, path]),
		"paths": [volume.path],
		"fixes": [],
	}
}

deny contains finding if {
	some volume in workload.volumes
	path := files.clean(volume.spec.hostPath.path)
	may_contain_credentials(path)
	some container in workload.containers
	some i, mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
	finding := {
		"message": sprintf("container %s mounts %s of the node, where the credentials of a cloud account may lie", [container.name, path]),
		"paths": [volume.path, workload.at(container, sprintf("volumeMounts[%d]", [i]))],
		"fixes": [],
	}
}
