package controls.c0303

import rego.v1

import data.lib.collections
import data.lib.quantities
import data.lib.resources

pod_spec := collections.map(object.get(input.object, ["spec", "podTemplate", "spec"], {}))

name_of(spec) := spec.name if is_string(spec.name)

else := "without a name"

deny contains finding if {
	some list in ["containers", "initContainers"]
	some i, container in collections.list(object.get(input.object, ["spec", "podTemplate", "spec", list], []))
	some resource in ["cpu", "memory"]
	spec := collections.map(container)
	pod := pod_spec
	not resources.has_limit(spec, resource)
	not resources.has_limit(pod, resource)
	finding := {
		"message": sprintf("container %s of the sandbox has no %s limit", [name_of(spec), resource]),
		"paths": [sprintf("spec.podTemplate.spec.%s[%d].resources.limits.%s", [list, i, resource])],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.sandbox_cpu_limit_max
	some list in ["containers", "initContainers"]
	some i, container in collections.list(object.get(input.object, ["spec", "podTemplate", "spec", list], []))
	spec := collections.map(container)
	quantities.less(most, object.get(spec, ["resources", "limits", "cpu"], "0"))
	finding := {
		"message": sprintf("container %s of the sandbox has a CPU limit above the maximum, %s", [name_of(spec), most]),
		"paths": [sprintf("spec.podTemplate.spec.%s[%d].resources.limits.cpu", [list, i])],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.sandbox_memory_limit_max
	some list in ["containers", "initContainers"]
	some i, container in collections.list(object.get(input.object, ["spec", "podTemplate", "spec", list], []))
	spec := collections.map(container)
	quantities.less(most, object.get(spec, ["resources", "limits", "memory"], "0"))
	finding := {
		"message": sprintf("container %s of the sandbox has a memory limit above the maximum, %s", [name_of(spec), most]),
		"paths": [sprintf("spec.podTemplate.spec.%s[%d].resources.limits.memory", [list, i])],
		"fixes": [],
	}
}

# The limit of the pod counts for all its containers together.
deny contains finding if {
	some most in input.params.sandbox_cpu_limit_max
	quantities.less(most, object.get(pod_spec, ["resources", "limits", "cpu"], "0"))
	finding := {
		"message": sprintf("the pod of the sandbox has a CPU limit above the maximum, %s", [most]),
		"paths": ["spec.podTemplate.spec.resources.limits.cpu"],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.sandbox_memory_limit_max
	quantities.less(most, object.get(pod_spec, ["resources", "limits", "memory"], "0"))
	finding := {
		"message": sprintf("the pod of the sandbox has a memory limit above the maximum, %s", [most]),
		"paths": ["spec.podTemplate.spec.resources.limits.memory"],
		"fixes": [],
	}
}
