package controls.k0127

import rego.v1

import data.lib.resources
import data.lib.workload

deny contains finding if {
	some container in workload.resource_containers
	not resources.has_limit(container.spec, "ephemeral-storage")
	finding := {
		"message": sprintf("container %s has no limit for ephemeral storage", [container.name]),
		"paths": [workload.at(container, "resources.limits.ephemeral-storage")],
		"fixes": [],
	}
}
