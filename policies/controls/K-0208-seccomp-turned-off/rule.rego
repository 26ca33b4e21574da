package controls.k0208

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.pod_security
import data.lib.workload

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.19")
	profile := workload.pod_spec.securityContext.seccompProfile
	is_object(profile)
	not pod_security.is_confining(profile)
	path := workload.pod_at("securityContext.seccompProfile.type")
	finding := {
		"message": "the pod has a seccomp profile other than RuntimeDefault and Localhost",
		"paths": [path],
		"fixes": [{"path": path, "value": "RuntimeDefault"}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.19")
	some container in workload.containers
	profile := container.spec.securityContext.seccompProfile
	is_object(profile)
	not pod_security.is_confining(profile)
	path := workload.at(container, "securityContext.seccompProfile.type")
	finding := {
		"message": sprintf("container %s has a seccomp profile other than RuntimeDefault and Localhost", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": "RuntimeDefault"}],
	}
}

annotations := collections.map(object.get(workload.pod_metadata, ["annotations"], {}))

is_accepted_annotation(value) if value in {"docker/default", "runtime/default"}

is_accepted_annotation(value) if startswith(value, "localhost/")

annotation_path(key) := fields.entry(concat(".", [workload.pod_metadata_path, "annotations"]), key)

deny contains finding if {
	version := input.params.podSecurityVersion
	pod_security.is_before(version, "v1.19")
	value := annotations["seccomp.security.alpha.kubernetes.io/pod"]
	is_string(value)
	not is_accepted_annotation(value)
	path := annotation_path("seccomp.security.alpha.kubernetes.io/pod")
	finding := {
		"message": "an annotation of the pod turns seccomp off",
		"paths": [path],
		"fixes": [{"path": path, "value": "runtime/default"}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	pod_security.is_before(version, "v1.19")
	some container in workload.containers
	is_string(container.spec.name)
	key := concat("", ["container.seccomp.security.alpha.kubernetes.io/", container.spec.name])
	value := annotations[key]
	is_string(value)
	not is_accepted_annotation(value)
	path := concat(".", [workload.pod_metadata_path, "annotations"])
	finding := {
		"message": sprintf("an annotation turns seccomp off for container %s", [container.name]),
		"paths": [path, workload.at(container, "name")],
		"fixes": [],
	}
}
