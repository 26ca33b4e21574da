package controls.c0218

import rego.v1

import data.lib.collections

limits_user if input.object.spec.runAsUser.rule in {"MustRunAs", "MustRunAsNonRoot"}

starts_above_root(entry) if entry.min > 0

deny contains finding if {
	not limits_user
	finding := {
		"message": "the policy allows containers that run as root",
		"paths": ["spec.runAsUser.rule"],
		"fixes": [],
	}
}

deny contains finding if {
	input.object.spec.runAsUser.rule == "MustRunAs"
	some i, entry in collections.list(object.get(input.object, ["spec", "runAsUser", "ranges"], []))
	not starts_above_root(entry)
	finding := {
		"message": "a range of user ids in the policy contains that of root",
		"paths": [sprintf("spec.runAsUser.ranges[%d].min", [i])],
		"fixes": [],
	}
}
