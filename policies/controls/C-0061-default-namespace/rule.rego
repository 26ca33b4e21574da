package controls.c0061

import rego.v1

# A file without a namespace can be created in any. At admission every object has its namespace.
deny contains finding if {
	input.object.metadata.namespace == "default"
	finding := {
		"message": "the workload is in the namespace default",
		"paths": ["metadata.namespace"],
		"fixes": [],
	}
}
