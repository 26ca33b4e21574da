package controls.k0210

import rego.v1

import data.lib.pod_security
import data.lib.workload

is_set(host) if {
	is_string(host)
	host != ""
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.34")
	some container in workload.containers
	some probe in ["livenessProbe", "readinessProbe", "startupProbe"]
	some handler in ["httpGet", "tcpSocket"]
	is_set(object.get(container.spec, [probe, handler, "host"], ""))
	path := workload.at(container, sprintf("%s.%s.host", [probe, handler]))
	finding := {
		"message": sprintf("the %s of container %s calls another host than the pod", [probe, container.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.34")
	some container in workload.containers
	some hook in ["postStart", "preStop"]
	some handler in ["httpGet", "tcpSocket"]
	is_set(object.get(container.spec, ["lifecycle", hook, handler, "host"], ""))
	path := workload.at(container, sprintf("lifecycle.%s.%s.host", [hook, handler]))
	finding := {
		"message": sprintf("the hook %s of container %s calls another host than the pod", [hook, container.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
