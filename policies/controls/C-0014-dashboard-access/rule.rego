package controls.c0014

import rego.v1

import data.lib.collections
import data.lib.images
import data.lib.workload

applies if workload.pod_spec.serviceAccountName == "kubernetes-dashboard"

applies if is_binding_of_role

is_binding_of_role if {
	input.object.kind in {"ClusterRoleBinding", "RoleBinding"}
	input.object.roleRef.name == "kubernetes-dashboard"
}

is_dashboard(image) if startswith(images.repository(image), "kubernetesui/")

is_dashboard(image) if contains(images.repository(image), "/kubernetesui/")

deny contains finding if {
	workload.pod_spec.serviceAccountName == "kubernetes-dashboard"
	some container in workload.containers
	image := container.spec.image
	is_string(image)
	not is_dashboard(image)
	finding := {
		"message": sprintf("container %s has the rights of the Kubernetes Dashboard", [container.name]),
		"paths": [workload.pod_at("serviceAccountName"), workload.at(container, "image")],
		"fixes": [],
	}
}

is_account_of_dashboard(subject) if {
	subject.kind == "ServiceAccount"
	subject.name == "kubernetes-dashboard"
}

deny contains finding if {
	is_binding_of_role
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	is_object(subject)
	not is_account_of_dashboard(subject)
	finding := {
		"message": "the binding gives the role of the Kubernetes Dashboard to another subject",
		"paths": [sprintf("subjects[%d]", [i]), "roleRef.name"],
		"fixes": [],
	}
}
