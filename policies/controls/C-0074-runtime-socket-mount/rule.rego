package controls.c0074

import rego.v1

import data.lib.collections
import data.lib.files
import data.lib.workload

# The socket of a container runtime (the pipe on Windows), or a folder of the node that contains one.
may_contain_socket(path) if {
	path in {
		"/",
		"/run",
		"/run/docker",
		"/run/docker.sock",
		"/run/containerd",
		"/run/containerd/containerd.sock",
		"/run/crio",
		"/run/crio/crio.sock",
		"/run/cri-dockerd.sock",
		"/run/dockershim.sock",
		"/run/podman",
		"/run/podman/podman.sock",
		"/run/k0s",
		"/run/k0s/containerd.sock",
		"/run/k3s",
		"/run/k3s/containerd",
		"/run/k3s/containerd/containerd.sock",
		"/var/snap/microk8s/common/run",
		"/var/snap/microk8s/common/run/containerd.sock",
		"/pipe/docker_engine",
		"/pipe/containerd-containerd",
		`\\.\pipe\docker_engine`,
		`\\.\pipe\containerd-containerd`,
	}
}

# /var/run is another name for /run.
without_var(path) := substring(path, 4, -1) if startswith(path, "/var/run")

else := path

deny contains finding if {
	some volume in workload.volumes
	path := files.clean(volume.spec.hostPath.path)
	may_contain_socket(without_var(path))
	not workload.is_mounted(volume)
	finding := {
		"message": sprintf("volume %s is %s of the node, through which the container runtime takes orders", [volume.name, path]),
		"paths": [volume.path],
		"fixes": [],
	}
}

deny contains finding if {
	some volume in workload.volumes
	path := files.clean(volume.spec.hostPath.path)
	may_contain_socket(without_var(path))
	some container in workload.containers
	some i, mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
	finding := {
		"message": sprintf("container %s mounts %s of the node, through which the container runtime takes orders", [container.name, path]),
		"paths": [volume.path, workload.at(container, sprintf("volumeMounts[%d]", [i]))],
		"fixes": [],
	}
}
