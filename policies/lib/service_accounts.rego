# The service account default, which each namespace has, and bindings of it.
package lib.service_accounts

import rego.v1

is_default_account if {
	input.object.kind == "ServiceAccount"
	input.object.metadata.name == "default"
}

is_binding if input.object.kind in {"RoleBinding", "ClusterRoleBinding"}

is_default_subject(subject) if {
	subject.kind == "ServiceAccount"
	subject.name == "default"
}
