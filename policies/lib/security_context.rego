# What the security context of a container allows in the end: its own fields, else those of the pod, else the defaults.
# `container` is an element of workload.containers, `spec` its spec.
package lib.security_context

import rego.v1

import data.lib.workload

# The interpreter does not resolve an imported name behind `else`.
pod := workload.pod_spec

forbids_escalation(spec) if spec.securityContext.allowPrivilegeEscalation == false

is_read_only(spec) if spec.securityContext.readOnlyRootFilesystem == true

# The container has a seccomp profile, its own or that of the pod.
is_confined(container) if {
	some type in ["Localhost", "RuntimeDefault"]
	workload.seccomp_type(container) == type
}

# A field of the container overrides the same field of the pod.
run_as_non_root(container) := container.spec.securityContext.runAsNonRoot if is_boolean(container.spec.securityContext.runAsNonRoot)

else := pod.securityContext.runAsNonRoot if is_boolean(pod.securityContext.runAsNonRoot)

else := false

# -1 means that neither sets it, so the image decides.
user(container) := container.spec.securityContext.runAsUser if is_number(container.spec.securityContext.runAsUser)

else := pod.securityContext.runAsUser if is_number(pod.securityContext.runAsUser)

else := -1

group(container) := container.spec.securityContext.runAsGroup if is_number(container.spec.securityContext.runAsGroup)

else := pod.securityContext.runAsGroup if is_number(pod.securityContext.runAsGroup)

else := -1

# The image may run its program as root, and nothing prevents it.
image_decides(container) if {
	run_as_non_root(container) == false
	user(container) == -1
}

group_is_root(container) if group(container) == 0

group_is_root(container) if {
	image_decides(container)
	group(container) == -1
}

# Root in a user namespace is an unprivileged user of the node.
in_user_namespace if pod.hostUsers == false

# On Linux the numbers of user and group decide. A Windows node ignores them.
may_run_on_linux if {
	not workload.is_windows
	not in_user_namespace
}
