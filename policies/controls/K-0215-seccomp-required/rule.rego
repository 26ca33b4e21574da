package controls.k0215

import rego.v1

import data.lib.pod_security
import data.lib.workload

has_own_profile(container) if is_object(container.spec.securityContext.seccompProfile)

is_confined(container) if {
	has_own_profile(container)
	pod_security.is_confining(container.spec.securityContext.seccompProfile)
}

is_confined(container) if {
	not has_own_profile(container)
	pod_security.is_confining(workload.pod_spec.securityContext.seccompProfile)
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.19")
	not pod_security.is_exempt_windows(version)
	some container in workload.containers
	not is_confined(container)
	path := workload.at(container, "securityContext.seccompProfile")
	finding := {
		"message": sprintf("container %s has no seccomp profile: it can make every system call", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": {"type": "RuntimeDefault"}}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.19")
	not pod_security.is_exempt_windows(version)
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
