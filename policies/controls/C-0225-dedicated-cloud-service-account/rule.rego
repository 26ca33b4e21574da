package controls.c0225

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.service_accounts

applies if service_accounts.is_default_account

applies if service_accounts.is_binding

deny contains finding if {
	service_accounts.is_default_account
	not input.object.automountServiceAccountToken == false
	finding := {
		"message": "pods that name no service account get a token of this one",
		"paths": ["automountServiceAccountToken"],
		"fixes": [{"path": "automountServiceAccountToken", "value": false}],
	}
}

# A pod that needs permissions has an account of its own, so that other pods of its namespace do not get them.
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

# The keys under which a cloud gives an account its permissions.
cloud_identities := [
	"eks.amazonaws.com/role-arn",
	"iam.gke.io/gcp-service-account",
	"azure.workload.identity/client-id",
]

deny contains finding if {
	service_accounts.is_default_account
	some key in cloud_identities
	is_string(input.object.metadata.annotations[key])
	path := fields.entry("metadata.annotations", key)
	finding := {
		"message": "the default service account has permissions in the cloud",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
