# Where an Ingress gets its certificate.
package lib.ingress

import rego.v1

import data.lib.collections

# Controllers of clouds take certificates from annotations. A minion of the NGINX controller has none of its own: its
# master has.
has_tls if count(collections.list(object.get(input.object, ["spec", "tls"], []))) > 0

has_tls if {
	some key in [
		"alb.ingress.kubernetes.io/certificate-arn",
		"appgw.ingress.kubernetes.io/appgw-ssl-certificate",
		"ingress.gcp.kubernetes.io/pre-shared-cert",
		"networking.gke.io/managed-certificates",
		"route.openshift.io/termination",
		"traefik.ingress.kubernetes.io/router.tls.certresolver",
	]
	value := input.object.metadata.annotations[key]
	is_string(value)
	value != ""
}

has_tls if {
	some key in [
		"haproxy-ingress.github.io/ssl-passthrough",
		"haproxy.org/ssl-passthrough",
		"nginx.ingress.kubernetes.io/ssl-passthrough",
		"traefik.ingress.kubernetes.io/router.tls",
	]
	input.object.metadata.annotations[key] == "true"
}

# The AWS controller finds the certificate by the host name.
has_tls if contains(input.object.metadata.annotations["alb.ingress.kubernetes.io/listen-ports"], "HTTPS")

has_tls if input.object.metadata.annotations["nginx.org/mergeable-ingress-type"] == "minion"

# A certificate authority fetches a token over plain HTTP; the Ingress lives for a few minutes.
is_acme_solver if input.object.metadata.labels["acme.cert-manager.io/http01-solver"] == "true"
