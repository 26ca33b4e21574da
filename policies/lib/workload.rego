# The pod spec inside an object, wherever its kind keeps it; its containers and volumes, each with its path.
# Everything here is total: a null or a wrong type where a list or map belongs counts as empty.
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

# The metadata that stands beside the pod spec: the object's own for a Pod, the template's otherwise.
template_steps := array.slice(pod_spec_steps, 0, count(pod_spec_steps) - 1)

pod_metadata_path := concat(".", array.concat(template_steps, ["metadata"]))

pod_metadata := collections.map(object.get(input.object, array.concat(template_steps, ["metadata"]), {}))

# A field of the pod spec, as a path.
pod_at(field) := sprintf("%s.%s", [pod_spec_path, field])

# A field of one container, as a path.
at(container, field) := sprintf("%s.%s", [container.path, field])

# Every container: {"spec", "name", "path", "list"}. Use it for what the API server accepts on all three lists: image,
# command, env, mounts, securityContext. A container without a name is called by its place.
containers := [container |
	some list in ["containers", "initContainers", "ephemeralContainers"]
	accepts(list)
	some i, entry in collections.list(object.get(pod_spec, list, []))
	place := sprintf("%s[%d]", [list, i])
	spec := collections.map(entry)
	container := {
		"spec": spec,
		"name": name_or(spec, place),
		"path": sprintf("%s.%s", [pod_spec_path, place]),
		"list": list,
	}
]

# Pod templates have no ephemeral containers: the API server drops them.
accepts("containers") if true

accepts("initContainers") if true

accepts("ephemeralContainers") if pod_spec_path == "spec"

# Containers that may ask for resources and ports: all but the ephemeral ones.
resource_containers := [container |
	some container in containers
	container.list != "ephemeralContainers"
]

# Containers that may have probes: the main ones, and init containers that keep running (sidecars).
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
	place := sprintf("volumes[%d]", [i])
	spec := collections.map(entry)
	volume := {
		"spec": spec,
		"name": name_or(spec, place),
		"path": sprintf("%s.%s", [pod_spec_path, place]),
	}
]

name_or(spec, place) := spec.name if is_string(spec.name)

else := place
