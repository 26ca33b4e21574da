package controls.k0209

import rego.v1

import data.lib.collections
import data.lib.pod_security
import data.lib.workload

is_safe(name) if {
	name in {
		"kernel.shm_rmid_forced",
		"net.ipv4.ip_local_port_range",
		"net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.ping_group_range",
		"net.ipv4.tcp_syncookies",
	}
}

is_safe(name) if {
	name == "net.ipv4.ip_local_reserved_ports"
	not pod_security.is_before_1_27
}

is_safe(name) if {
	not pod_security.is_before_1_29
	name in {
		"net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
		"net.ipv4.tcp_keepalive_time",
	}
}

is_safe(name) if {
	not pod_security.is_before_1_32
	name in {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
}

name_of(sysctl) := sysctl.name if is_string(sysctl.name)

else := ""

deny contains finding if {
	sysctls := object.get(workload.pod_spec, ["securityContext", "sysctls"], [])
	some i, sysctl in collections.list(sysctls)
	name := name_of(sysctl)
	not is_safe(name)
	path := workload.pod_at(sprintf("securityContext.sysctls[%d]", [i]))
	finding := {
		"message": sprintf("the pod sets the sysctl %s, which is not a safe one", [name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
