# Paths of the node, as hostPath volumes name them.
package lib.host_paths

import rego.v1

import data.lib.files

# The path of a hostPath volume in its normal form; "" for other volumes. Windows allows backslashes.
path_of(volume) := files.clean(replace(object.get(volume.spec, ["hostPath", "path"], ""), `\`, "/"))

# The path with a slash at the end, so that "is the file, or a folder above it" is one comparison of prefixes:
# startswith("/run/docker.sock/", "/run/"). /var/run is a link to /run.
folder(path) := concat("", [substring(path, 4, -1), "/"]) if startswith(path, "/var/run")

else := concat("", [path, "/"])

# The path shows all files of the node. The kernel shows those that a process sees in /proc/<process>/root; process
# 1 is the node's init.
is_whole_node(path) if path in {"/", "/proc", "/proc/1", "/proc/self", "/proc/thread-self"}

is_whole_node(path) if {
	startswith(path, "/proc/")
	split(path, "/")[3] in {"cwd", "root"}
}
