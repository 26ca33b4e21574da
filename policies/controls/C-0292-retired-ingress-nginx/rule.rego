package controls.c0292

import rego.v1

import data.lib.repositories
import data.lib.workload

is_ingress_nginx(image) if {
	some project in [
		"ingress-nginx/controller",
		"ingress-nginx/controller-chroot",
		"kubernetes-ingress-controller/nginx-ingress-controller",
	]
	repositories.is_of(image, project)
}

deny contains finding if {
	some container in workload.containers
	is_ingress_nginx(container.spec.image)
	finding := {
		"message": sprintf("container %s runs the Ingress NGINX controller, which is retired and gets no security fixes", [container.name]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}
