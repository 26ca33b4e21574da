package controls.c0018

import rego.v1

import data.lib.probes
import data.lib.workload

deny contains finding if {
	some container in workload.probe_containers
	spec := container.spec
	not probes.runs_to_completion
	not probes.has_probe(spec, "readinessProbe")
	finding := {
		"message": sprintf("container %s has no readiness probe: it gets traffic even when it cannot answer", [container.name]),
		"paths": [workload.at(container, "readinessProbe")],
		"fixes": [],
	}
}
