package controls.k0142

import rego.v1

import data.lib.collections
import data.lib.workload

deny contains finding if {
	some volume in workload.volumes
	some i, source in collections.list(object.get(volume.spec, ["projected", "sources"], []))
	is_number(source.serviceAccountToken.expirationSeconds)
	source.serviceAccountToken.expirationSeconds > 86400
	path := workload.at(volume, sprintf("projected.sources[%d].serviceAccountToken.expirationSeconds", [i]))
	finding := {
		"message": sprintf("volume %s asks for a service account token that lives longer than a day", [volume.name]),
		"paths": [path, volume.path],
		"fixes": [{"path": path, "value": 3600}],
	}
}
