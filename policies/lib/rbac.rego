# What the rules of a Role or ClusterRole allow, as Kubernetes' RBAC authorizer reads them: "*" stands for every verb,
# API group or resource, and "*/exec" for exec on every resource. A null or a wrong type allows nothing.
package lib.rbac

import rego.v1

import data.lib.collections

rules := collections.list(object.get(input.object, ["rules"], []))

resources(rule) := collections.list(object.get(rule, ["resources"], []))

verbs(rule) := collections.list(object.get(rule, ["verbs"], []))

resource_names(rule) := collections.list(object.get(rule, ["resourceNames"], []))

# The rule allows one of the verbs on resources of the API group. `wanted` is a set that contains "*".
allows(rule, group, wanted) if {
	has_group(rule, group)
	has_verb(rule, wanted)
}

has_group(rule, group) if {
	some allowed in collections.list(object.get(rule, ["apiGroups"], []))
	allowed in {"*", group}
}

has_verb(rule, wanted) if {
	some verb in verbs(rule)
	verb in wanted
}

# The rule is not limited to objects of certain names. Under such a limit the authorizer never allows "create" and
# "deletecollection" of the resource itself, since these requests have no name.
has_any_name(rule) if count(resource_names(rule)) == 0

# A ClusterRole that collects the rules of others: a controller writes its rules, and only a user with every permission
# may create one. Each rule is checked in the ClusterRole that it comes from.
is_aggregated if {
	input.object.kind == "ClusterRole"
	count(collections.list(object.get(input.object, ["aggregationRule", "clusterRoleSelectors"], []))) > 0
}

# A ClusterRole of Kubernetes itself. The names are exact: anybody may choose a name with the prefix "system:".
is_cluster_role(names) if {
	input.object.kind == "ClusterRole"
	input.object.metadata.name in names
}

# A Role of Kubernetes itself in kube-system.
is_system_role(names) if {
	in_kube_system
	input.object.metadata.name in names
}

# A ClusterRole, or a Role in kube-system: the Pods, Secrets and service accounts there belong to the cluster itself.
concerns_cluster if input.object.kind == "ClusterRole"

concerns_cluster if in_kube_system

in_kube_system if {
	input.object.kind == "Role"
	input.object.metadata.namespace == "kube-system"
}
