package controls.c0159

import rego.v1

import data.lib.control_plane
import data.lib.flags

applies if control_plane.runs("kube-apiserver")

deny contains finding if {
	lines := control_plane.command_line("kube-apiserver")
	authority := flags.last_value(lines, "--etcd-cafile")
	authority != ""
	authority == flags.last_value(lines, "--client-ca-file")
	finding := {
		"message": "kube-apiserver trusts one certificate authority for etcd and for clients",
		"paths": [
			control_plane.flag_path("kube-apiserver", "--etcd-cafile"),
			control_plane.flag_path("kube-apiserver", "--client-ca-file"),
		],
		"fixes": [],
	}
}
