package controls.c0074

import rego.v1

import data.lib.collections
import data.lib.host_paths
import data.lib.workload

shows_socket(path) if host_paths.is_whole_node(path)

# The sockets of container runtimes, and their pipes on Windows.
shows_socket(path) if {
	path != ""
	some socket in [
		"/run/docker.sock/",
		"/run/docker/containerd/containerd.sock/",
		"/run/balena-engine.sock/",
		"/run/containerd/containerd.sock/",
		"/run/host-containerd/containerd.sock/",
		"/run/crio/crio.sock/",
		"/run/cri-dockerd.sock/",
		"/run/dockershim.sock/",
		"/run/isulad.sock/",
		"/run/podman/podman.sock/",
		"/run/k0s/containerd.sock/",
		"/run/k3s/containerd/containerd.sock/",
		"/system/run/containerd/containerd.sock/",
		"/var/snap/microk8s/common/run/containerd.sock/",
		"/var/vcap/data/sys/run/containerd/containerd.sock/",
		"/pipe/docker_engine/",
		"/pipe/containerd-containerd/",
	]
	startswith(socket, host_paths.folder(path))
}

# A runtime without root has its socket in /run/user/<number of the user>.
shows_socket(path) if {
	folder := host_paths.folder(path)
	startswith(folder, "/run/user/")
	some socket in ["docker.sock/", "podman/podman.sock/", "containerd/containerd.sock/"]
	startswith(socket, trim_left(substring(folder, 10, -1), "0123456789/"))
}

deny contains finding if {
	some volume in workload.volumes
	path := host_paths.path_of(volume)
	shows_socket(path)
	not workload.is_mounted(volume)
	finding := {
		"message": sprintf("volume %s is %s of the node, which gives control over the container runtime", [volume.name, path]),
		"paths": [volume.path],
		"fixes": [],
	}
}

deny contains finding if {
	some volume in workload.volumes
	some container in workload.containers
	some i, mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
	path := host_paths.path_of(volume)
	shows_socket(path)
	finding := {
		"message": sprintf("container %s mounts %s of the node, which gives control over the container runtime", [container.name, path]),
		"paths": [volume.path, workload.at(container, sprintf("volumeMounts[%d]", [i]))],
		"fixes": [],
	}
}
