# METADATA
# title: A namespace enforces a Pod Security level
# custom:
#   arguments: {level: string, accepted: strings, admits: string}
package rules.pod_security_level

import rego.v1

import data.lib.collections
import data.lib.fields

label := "pod-security.kubernetes.io/enforce"

# The namespaces of Kubernetes itself: add-ons for network and storage need the node.
is_system(metadata) if metadata.name in {"kube-system", "kube-public", "kube-node-lease"}

# Without the label, everything is admitted.
enforces_level(metadata) if metadata.labels[label] in input.arguments.accepted

applies if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not is_system(metadata)
}

deny contains finding if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not enforces_level(metadata)
	path := fields.entry("metadata.labels", label)
	finding := {
		"message": concat(" ", ["the namespace admits", input.arguments.admits]),
		"paths": [path],
		"fixes": [{"path": path, "value": input.arguments.level}],
	}
}
