# The Pod Security level that the API server enforces in a namespace.
package lib.namespaces

import rego.v1

import data.lib.fields

enforce_label := "pod-security.kubernetes.io/enforce"

enforce_path := fields.entry("metadata.labels", enforce_label)

# The namespaces of Kubernetes itself: add-ons for network and storage need the node.
is_system(metadata) if metadata.name in {"kube-system", "kube-public", "kube-node-lease"}

# Without the label, everything is admitted.
enforces_baseline(metadata) if metadata.labels[enforce_label] in {"baseline", "restricted"}

enforces_restricted(metadata) if metadata.labels[enforce_label] == "restricted"
