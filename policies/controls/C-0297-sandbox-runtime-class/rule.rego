package controls.c0297

import rego.v1

runtime_class := object.get(input.object, ["spec", "podTemplate", "spec", "runtimeClassName"], "")

is_hardened if runtime_class in input.params.hardenedSandboxRuntimeClasses

deny contains finding if {
	not is_hardened
	finding := {
		"message": "the pods of the sandbox have no hardened runtime class: their code calls the kernel of the node directly",
		"paths": ["spec.podTemplate.spec.runtimeClassName"],
		"fixes": [],
	}
}
