package controls.c0201

import rego.v1

import data.lib.collections
import data.lib.namespaces

applies if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not namespaces.is_system(metadata)
}

deny contains finding if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not namespaces.enforces_restricted(metadata)
	finding := {
		"message": "the namespace admits containers that keep the default capabilities",
		"paths": [namespaces.enforce_path],
		"fixes": [{"path": namespaces.enforce_path, "value": "restricted"}],
	}
}
