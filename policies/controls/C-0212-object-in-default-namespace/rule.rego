package controls.c0212

import rego.v1

import data.lib.collections

# What the control plane and its add-ons put into every namespace, or only into this one.
is_built_in(metadata) if {
	input.object.kind == "Service"
	metadata.name == "kubernetes"
}

is_built_in(metadata) if {
	input.object.kind == "ServiceAccount"
	metadata.name == "default"
}

is_built_in(metadata) if {
	input.object.kind == "ConfigMap"
	metadata.name in {"kube-root-ca.crt", "istio-ca-root-cert", "openshift-service-ca.crt"}
}

is_built_in(metadata) if {
	input.object.kind == "RoleBinding"
	startswith(metadata.name, "system:")
}

# A file without a namespace can be created in any. At admission every object has its namespace.
deny contains finding if {
	input.object.metadata.namespace == "default"
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not is_built_in(metadata)
	finding := {
		"message": "the object is in the namespace default",
		"paths": ["metadata.namespace"],
		"fixes": [],
	}
}
