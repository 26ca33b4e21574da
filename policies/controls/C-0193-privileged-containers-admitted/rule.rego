package controls.c0193

import rego.v1

import data.lib.collections
import data.lib.namespaces

applies if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not namespaces.is_system(metadata)
}

deny contains finding if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not namespaces.enforces_baseline(metadata)
	finding := {
		"message": "the namespace admits privileged containers",
		"paths": [namespaces.enforce_path],
		"fixes": [{"path": namespaces.enforce_path, "value": "baseline"}],
	}
}
