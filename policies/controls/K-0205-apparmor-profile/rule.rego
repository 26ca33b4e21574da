package controls.k0205

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.workload

is_accepted(type) if type in {"Localhost", "RuntimeDefault"}

deny contains finding if {
	profile := workload.pod_spec.securityContext.appArmorProfile
	is_object(profile)
	type := object.get(profile, ["type"], "")
	not is_accepted(type)
	path := workload.pod_at("securityContext.appArmorProfile.type")
	finding := {
		"message": "the pod has an AppArmor profile other than RuntimeDefault and Localhost",
		"paths": [path],
		"fixes": [{"path": path, "value": "RuntimeDefault"}],
	}
}

deny contains finding if {
	some container in workload.containers
	profile := container.spec.securityContext.appArmorProfile
	is_object(profile)
	type := object.get(profile, ["type"], "")
	not is_accepted(type)
	path := workload.at(container, "securityContext.appArmorProfile.type")
	finding := {
		"message": sprintf("container %s has an AppArmor profile other than RuntimeDefault and Localhost", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": "RuntimeDefault"}],
	}
}

is_accepted_annotation(value) if value in {"", "runtime/default"}

is_accepted_annotation(value) if startswith(value, "localhost/")

deny contains finding if {
	some key, value in collections.map(object.get(workload.pod_metadata, ["annotations"], {}))
	startswith(key, "container.apparmor.security.beta.kubernetes.io/")
	is_string(value)
	not is_accepted_annotation(value)
	path := fields.entry(concat(".", [workload.pod_metadata_path, "annotations"]), key)
	finding := {
		"message": sprintf("the annotation %s names an AppArmor profile other than runtime/default and localhost", [key]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
