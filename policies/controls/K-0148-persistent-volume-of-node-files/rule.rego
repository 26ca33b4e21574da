package controls.k0148

import rego.v1

import data.lib.host_paths

is_provisioned if is_string(object.get(input.object, ["metadata", "annotations", "pv.kubernetes.io/provisioned-by"], null))

# The folder is in one of the system's, or above one.
is_of_system(path) if regex.match(`^/(bin|boot|dev|etc|home|lib|lib64|proc|root|run|sbin|sys|usr|var/lib/(containerd|docker|etcd|kubelet)|var/log|var/spool/cron)/`, host_paths.folder(path))

is_of_system(path) if path in {"", "/", "/var", "/var/lib", "/var/spool"}

is_reported(_) if not is_provisioned

is_reported(path) if is_of_system(path)

deny contains finding if {
	is_object(input.object.spec.hostPath)
	path := host_paths.path_of(input.object)
	is_reported(path)
	finding := {
		"message": "the PersistentVolume gives files of the node to pods that claim it",
		"paths": ["spec.hostPath.path"],
		"fixes": [],
	}
}
