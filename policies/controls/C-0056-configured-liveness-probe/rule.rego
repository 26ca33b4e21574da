package controls.c0056

import rego.v1

import data.lib.probes
import data.lib.workload

deny contains finding if {
	some container in workload.probe_containers
	spec := container.spec
	not probes.runs_to_completion
	not probes.has_probe(spec, "livenessProbe")
	finding := {
		"message": sprintf("container %s has no liveness probe: if it hangs, nothing restarts it", [container.name]),
		"paths": [workload.at(container, "livenessProbe")],
		"fixes": [],
	}
}
