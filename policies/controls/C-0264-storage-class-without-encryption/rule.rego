package controls.c0264

import rego.v1

applies if encrypts_on_request

applies if is_portworx

# Drivers that encrypt a volume only if they are asked to.
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
	encrypts_on_request
	not input.object.parameters.encrypted == "true"
	finding := {
		"message": "volumes of the class are not encrypted",
		"paths": ["parameters.encrypted"],
		"fixes": [{"path": "parameters.encrypted", "value": "true"}],
	}
}

# Portworx has another name for it.
is_portworx if input.object.provisioner in {"pxd.portworx.com", "kubernetes.io/portworx-volume"}

deny contains finding if {
	is_portworx
	not input.object.parameters.secure == "true"
	finding := {
		"message": "volumes of the class are not encrypted",
		"paths": ["parameters.secure"],
		"fixes": [{"path": "parameters.secure", "value": "true"}],
	}
}
