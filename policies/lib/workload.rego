# The pod spec of an object of any workload kind; its containers and volumes, each with its path. Every rule here is
# total: a null or a wrong type in place of a list or map counts as empty.
package lib.workload

import rego.v1

import data.lib.collections
import data.lib.kinds

# The API group, which is empty for the core kinds ("v1").
group := split(input.object.apiVersion, "/")[0] if contains(input.object.apiVersion, "/")

else := ""

pod_spec_steps := kinds.pod_spec_paths[sprintf("%s/%s", [group, input.object.kind])]

pod_spec_path := concat(".", pod_spec_steps)

pod_spec := collections.map(object.get(input.object, pod_spec_steps, {}))

# The metadata beside the pod spec: that of the object for a Pod, that of the template otherwise.
template_steps := array.slice(pod_spec_steps, 0, count(pod_spec_steps) - 1)

pod_metadata_path := concat(".", array.concat(template_steps, ["metadata"]))

pod_metadata := collections.map(object.get(input.object, array.concat(template_steps, ["metadata"]), {}))

# The path of a field of the pod spec.
pod_at(field) := sprintf("%s.%s", [pod_spec_path, field])

# The path of a field of a container or volume.
at(element, field) := sprintf("%s.%s", [element.path, field])

# The API server refuses most fields of securityContext on a pod with this os.
is_windows if pod_spec.os.name == "windows"

# The seccomp profile of a container: its own, else that of the pod, else Unconfined.
seccomp_type(container) := container.spec.securityContext.seccompProfile.type if is_string(container.spec.securityContext.seccompProfile.type)

else := pod_spec.securityContext.seccompProfile.type if is_string(pod_spec.securityContext.seccompProfile.type)

else := "Unconfined"

# Every container: {"spec", "name", "path", "list"}. Use it for fields that the API server accepts in all three lists:
# image, command, env, volumeMounts, securityContext. A container without a name is named by its list and index, such as
# "containers[0]".
containers := [container |
	some list in ["containers", "initContainers", "ephemeralContainers"]
	has_container_list(list)
	some i, entry in collections.list(object.get(pod_spec, list, []))
	position := sprintf("%s[%d]", [list, i])
	spec := collections.map(entry)
	container := {
		"spec": spec,
		"name": name_or(spec, position),
		"path": sprintf("%s.%s", [pod_spec_path, position]),
		"list": list,
	}
]

# The API server drops the ephemeral containers of a pod template.
has_container_list(list) if list in {"containers", "initContainers"}

has_container_list("ephemeralContainers") if pod_spec_path == "spec"

# Containers that may have resources and ports: all but ephemeral containers.
resource_containers := [container |
	some container in containers
	container.list != "ephemeralContainers"
]

# Containers that may have probes: the main containers, and init containers that keep running (sidecars).
probe_containers := [container |
	some container in containers
	may_have_probes(container)
]

may_have_probes(container) if container.list == "containers"

may_have_probes(container) if {
	container.list == "initContainers"
	container.spec.restartPolicy == "Always"
}

# Every volume of the pod: {"spec", "name", "path"}.
volumes := [volume |
	some i, entry in collections.list(object.get(pod_spec, "volumes", []))
	position := sprintf("volumes[%d]", [i])
	spec := collections.map(entry)
	volume := {
		"spec": spec,
		"name": name_or(spec, position),
		"path": sprintf("%s.%s", [pod_spec_path, position]),
	}
]

# A container mounts the volume.
is_mounted(volume) if {
	some container in containers
	some mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
}

name_or(spec, position) := spec.name if is_string(spec.name)

else := position
