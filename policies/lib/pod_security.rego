# The versions of the Pod Security Standards. Some checks changed: `version`, the param podSecurityVersion, says by which
# version a pod is checked, as the label pod-security.kubernetes.io/enforce-version does for a namespace. "latest", and a
# value that is not a version, is the newest.
package lib.pod_security

import rego.v1

import data.lib.workload

# Whether a version, such as "v1.9", is before another. One digit is less than two.
is_before(version, other) if {
	startswith(version, "v1.")
	count(version) < count(other)
}

is_before(version, other) if {
	startswith(version, "v1.")
	count(version) == count(other)
	version < other
}

# A pod for Windows is left out of the checks of fields that Windows does not have.
is_exempt_windows(version) if {
	workload.is_windows
	not is_before(version, "v1.25")
}

# Root in a user namespace is an unprivileged user of the node.
is_exempt_user_namespace(version) if {
	workload.pod_spec.hostUsers == false
	not is_before(version, "v1.35")
}

# The seccomp profile forbids system calls.
is_confining(profile) if profile.type in {"Localhost", "RuntimeDefault"}

# Sysctls that are separate for each pod and cannot harm others.
is_safe_sysctl(name, _) if {
	name in {
		"kernel.shm_rmid_forced",
		"net.ipv4.ip_local_port_range",
		"net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.ping_group_range",
		"net.ipv4.tcp_syncookies",
	}
}

is_safe_sysctl(name, version) if {
	name == "net.ipv4.ip_local_reserved_ports"
	not is_before(version, "v1.27")
}

is_safe_sysctl(name, version) if {
	not is_before(version, "v1.29")
	name in {
		"net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
		"net.ipv4.tcp_keepalive_time",
	}
}

is_safe_sysctl(name, version) if {
	not is_before(version, "v1.32")
	name in {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
}

sysctl_name(sysctl) := sysctl.name if is_string(sysctl.name)

else := ""
