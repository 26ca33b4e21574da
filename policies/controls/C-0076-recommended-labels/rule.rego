package controls.c0076

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.workload

has_label(metadata) if {
	some label in input.params.recommendedLabels
	is_string(metadata.labels[label])
}

deny contains finding if {
	metadata := collections.map(object.get(input.object, ["metadata"], {}))
	not has_label(metadata)
	finding := {
		"message": "the workload has none of the recommended labels",
		"paths": [fields.entry("metadata.labels", input.params.recommendedLabels[0])],
		"fixes": [],
	}
}

# The pods of a controller have labels of their own.
deny contains finding if {
	workload.pod_metadata_path != "metadata"
	metadata := workload.pod_metadata
	not has_label(metadata)
	finding := {
		"message": "the pods of the workload have none of the recommended labels",
		"paths": [fields.entry(concat(".", [workload.pod_metadata_path, "labels"]), input.params.recommendedLabels[0])],
		"fixes": [],
	}
}
