package controls.c0231

import rego.v1

import data.lib.collections
import data.lib.fields
import data.lib.strings

certificate := "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"

applies if {
	input.object.spec.type == "LoadBalancer"
	is_aws
}

is_aws if input.params.cloudProvider in {"aws", "eks"}

is_aws if input.object.spec.loadBalancerClass in {"service.k8s.aws/nlb", "eks.amazonaws.com/nlb"}

is_aws if {
	some key, _ in collections.map(object.get(input.object, ["metadata", "annotations"], {}))
	startswith(key, "service.beta.kubernetes.io/aws-load-balancer-")
}

has_certificate if {
	value := input.object.metadata.annotations[certificate]
	is_string(value)
	value != ""
}

serves_http if strings.lower_ascii(input.object.metadata.annotations["service.beta.kubernetes.io/aws-load-balancer-backend-protocol"]) == "http"

serves_http if {
	count(collections.list(object.get(input.object, ["spec", "ports"], []))) > 0
	every port in collections.list(object.get(input.object, ["spec", "ports"], [])) {
		is_http_port(port.port)
	}
}

is_http_port(number) if number == 80

is_http_port(number) if number == 8080

deny contains finding if {
	serves_http
	not has_certificate
	finding := {
		"message": "the load balancer serves HTTP without TLS",
		"paths": [fields.entry("metadata.annotations", certificate)],
		"fixes": [],
	}
}
