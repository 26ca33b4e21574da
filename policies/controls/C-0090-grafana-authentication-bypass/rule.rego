package controls.c0090

import rego.v1

import data.lib.images
import data.lib.repositories
import data.lib.workload

is_grafana(image) if {
	some project in ["grafana/grafana", "grafana/grafana-enterprise", "grafana/grafana-oss"]
	repositories.is_of(image, project)
}

applies if {
	some container in workload.containers
	is_grafana(container.spec.image)
}

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	is_grafana(image)
	version := images.tag(image)
	regex.match(`^v?9\.2\.[0-3](-[a-z]+)?$`, version)
	finding := {
		"message": sprintf("container %s runs Grafana %s, which has CVE-2022-39328: requests can get the permissions of another user", [container.name, version]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}
