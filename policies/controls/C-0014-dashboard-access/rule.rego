package controls.c0014

import rego.v1

import data.lib.images
import data.lib.workload

applies if workload.pod_spec.serviceAccountName == "kubernetes-dashboard"

is_dashboard(image) if startswith(images.repository(image), "kubernetesui/")

is_dashboard(image) if contains(images.repository(image), "/kubernetesui/")

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	is_string(image)
	not is_dashboard(image)
	finding := {
		"message": sprintf("container %s has the permissions of the Kubernetes Dashboard", [container.name]),
		"paths": [workload.pod_at("serviceAccountName"), workload.at(container, "image")],
		"fixes": [],
	}
}
