package controls.k0128

import rego.v1

import data.lib.collections

applies if input.object.spec.type == "LoadBalancer"

annotation(name) := object.get(input.object, ["metadata", "annotations", name], "")

is_internal if {
	some name in [
		"service.beta.kubernetes.io/aws-load-balancer-internal",
		"service.beta.kubernetes.io/azure-load-balancer-internal",
		"service.beta.kubernetes.io/openstack-internal-load-balancer",
	]
	annotation(name) == "true"
}

is_internal if annotation("service.beta.kubernetes.io/aws-load-balancer-scheme") == "internal"

is_internal if {
	some name in ["networking.gke.io/load-balancer-type", "cloud.google.com/load-balancer-type"]
	annotation(name) == "Internal"
}

# Load balancers of the AWS Load Balancer Controller are internal unless the Service asks for the Internet.
is_internal if {
	is_of_aws_controller
	not asks_for_internet
}

is_of_aws_controller if input.object.spec.loadBalancerClass == "service.k8s.aws/nlb"

is_of_aws_controller if annotation("service.beta.kubernetes.io/aws-load-balancer-type") in {"external", "nlb-ip"}

asks_for_internet if annotation("service.beta.kubernetes.io/aws-load-balancer-scheme") == "internet-facing"

asks_for_internet if annotation("service.beta.kubernetes.io/aws-load-balancer-internal") == "false"

has_ranges if count(collections.list(object.get(input.object, ["spec", "loadBalancerSourceRanges"], []))) > 0

# Cloud providers read the annotation where the field is empty.
has_annotated_ranges if {
	value := annotation("service.beta.kubernetes.io/load-balancer-source-ranges")
	is_string(value)
	trim_space(value) != ""
	not contains_every_address(value)
}

contains_every_address(ranges) if contains(ranges, "0.0.0.0/0")

contains_every_address(ranges) if contains(ranges, "::/0")

deny contains finding if {
	not is_internal
	not has_ranges
	not has_annotated_ranges
	finding := {
		"message": "the load balancer accepts connections from every address",
		"paths": ["spec.loadBalancerSourceRanges"],
		"fixes": [],
	}
}

deny contains finding if {
	not is_internal
	some i, range in collections.list(object.get(input.object, ["spec", "loadBalancerSourceRanges"], []))
	range in {"0.0.0.0/0", "::/0"}
	finding := {
		"message": "the load balancer accepts connections from every address",
		"paths": [sprintf("spec.loadBalancerSourceRanges[%d]", [i])],
		"fixes": [],
	}
}
