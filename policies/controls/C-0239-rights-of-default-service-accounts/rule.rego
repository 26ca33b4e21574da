package controls.c0239

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.service_accounts

applies if service_accounts.is_default_account

applies if service_accounts.is_binding

deny contains finding if {
	service_accounts.is_binding
	some i, subject in collections.list(object.get(input.object, ["subjects"], []))
	service_accounts.is_default_subject(subject)
	path := sprintf("subjects[%d]", [i])
	finding := {
		"message": "the binding gives permissions to a default service account",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	service_accounts.is_default_account
	is_string(input.object.metadata.annotations["azure.workload.identity/client-id"])
	path := fields.entry("metadata.annotations", "azure.workload.identity/client-id")
	finding := {
		"message": "the default service account has permissions in Azure",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
