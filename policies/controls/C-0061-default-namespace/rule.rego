package controls.c0061

import rego.v1

# An object without a namespace is created in "default".
is_default(namespace) if namespace in {"", "default"}

is_default(namespace) if is_null(namespace)

deny contains finding if {
	namespace := object.get(input.object, ["metadata", "namespace"], "default")
	is_default(namespace)
	finding := {
		"message": "the workload is in the namespace default",
		"paths": ["metadata.namespace"],
		"fixes": [],
	}
}
