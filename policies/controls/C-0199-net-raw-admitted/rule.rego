package controls.c0199

import rego.v1

import data.lib.collections
import data.lib.pod_security

deny contains finding if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not pod_security.is_system(metadata)
	not pod_security.enforces_restricted(metadata)
	finding := {
		"message": "the namespace admits containers with the capability NET_RAW",
		"paths": [pod_security.path],
		"fixes": [{"path": pod_security.path, "value": "restricted"}],
	}
}
