package controls.c0264

import rego.v1

# The parameter with which a driver is asked for encryption; without it, the volume is not encrypted.
parameter := "encrypted" if encrypts_on_request

else := "secure" if input.object.provisioner in {"pxd.portworx.com", "kubernetes.io/portworx-volume"}

encrypts_on_request if input.object.provisioner in {
	"ebs.csi.aws.com",
	"ebs.csi.eks.amazonaws.com",
	"kubernetes.io/aws-ebs",
	"driver.longhorn.io",
	"rbd.csi.ceph.com",
}

# Rook puts its namespace before the name of the driver.
encrypts_on_request if endswith(input.object.provisioner, ".rbd.csi.ceph.com")

deny contains finding if {
	name := parameter
	not input.object.parameters[name] == "true"
	path := sprintf("parameters.%s", [name])
	finding := {
		"message": "volumes of the class are not encrypted",
		"paths": [path],
		"fixes": [{"path": path, "value": "true"}],
	}
}
