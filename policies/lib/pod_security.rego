# The versions of the Pod Security Standards. Some checks changed: the param podSecurityVersion says by which version a
# pod is judged, as the label pod-security.kubernetes.io/enforce-version does for a namespace. Each rule holds for the
# versions before its own; "latest", and a value that is no version, is the newest.
package lib.pod_security

import rego.v1

import data.lib.workload

is_before_1_8 if regex.match(`^v1\.[0-7]$`, input.params.podSecurityVersion)

is_before_1_19 if regex.match(`^v1\.(1?[0-8]|9)$`, input.params.podSecurityVersion)

is_before_1_22 if regex.match(`^v1\.(1?[0-9]|2[01])$`, input.params.podSecurityVersion)

is_before_1_23 if regex.match(`^v1\.(1?[0-9]|2[0-2])$`, input.params.podSecurityVersion)

is_before_1_25 if regex.match(`^v1\.(1?[0-9]|2[0-4])$`, input.params.podSecurityVersion)

is_before_1_27 if regex.match(`^v1\.(1?[0-9]|2[0-6])$`, input.params.podSecurityVersion)

is_before_1_29 if regex.match(`^v1\.(1?[0-9]|2[0-8])$`, input.params.podSecurityVersion)

is_before_1_31 if regex.match(`^v1\.([12]?[0-9]|30)$`, input.params.podSecurityVersion)

is_before_1_32 if regex.match(`^v1\.([12]?[0-9]|3[01])$`, input.params.podSecurityVersion)

is_before_1_34 if regex.match(`^v1\.([12]?[0-9]|3[0-3])$`, input.params.podSecurityVersion)

is_before_1_35 if regex.match(`^v1\.([12]?[0-9]|3[0-4])$`, input.params.podSecurityVersion)

# A pod for Windows is left out of the checks of fields that Windows does not have.
is_exempt_windows if {
	workload.is_windows
	not is_before_1_25
}

# Root in a user namespace is an unprivileged user of the node.
is_exempt_user_namespace if {
	workload.pod_spec.hostUsers == false
	not is_before_1_35
}

# The seccomp profile forbids system calls.
is_confining(profile) if profile.type in {"Localhost", "RuntimeDefault"}
