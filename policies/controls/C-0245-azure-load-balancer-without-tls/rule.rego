package controls.c0245

import rego.v1

import data.lib.ingress

# The classes that AKS installs.
is_azure if input.object.spec.ingressClassName in {"azure-application-gateway", "azure-alb-external", "webapprouting.kubernetes.azure.com"}

is_azure if input.object.metadata.annotations["kubernetes.io/ingress.class"] == "azure/application-gateway"

applies if is_azure

deny contains finding if {
	not ingress.has_tls
	not ingress.is_acme_solver
	finding := {
		"message": "the Ingress of an Azure load balancer accepts unencrypted traffic only",
		"paths": ["spec.tls"],
		"fixes": [],
	}
}
