# Rules of a NetworkPolicy. Null is an empty rule, port or peer, as Kubernetes reads it.
package lib.network_policies

import rego.v1

import data.lib.collections

# Policy types as written; if there are none, Kubernetes applies all rules of the policy.
states_types if count(collections.list(object.get(input.object, ["spec", "policyTypes"], []))) > 0

has_type(type) if {
	some stated in collections.list(object.get(input.object, ["spec", "policyTypes"], []))
	stated == type
}

# Rules of a type that policyTypes leaves out have no effect.
is_ignored(type) if {
	states_types
	not has_type(type)
}

# A rule without ports is for all of them.
has_ports(rule) if count(collections.list(object.get(collections.map(rule), ["ports"], []))) > 0
