# Where each kind keeps its pod spec. Generated from crates/k8s/src/workload/kinds.rs: `UPDATE=1 cargo test` rewrites it.
package lib.kinds

import rego.v1

# API group and kind → the path of the pod spec.
pod_spec_paths := {
	"/Pod": ["spec"],
	"/PodTemplate": ["template", "spec"],
	"/ReplicationController": ["spec", "template", "spec"],
	"apps/DaemonSet": ["spec", "template", "spec"],
	"apps/Deployment": ["spec", "template", "spec"],
	"apps/ReplicaSet": ["spec", "template", "spec"],
	"apps/StatefulSet": ["spec", "template", "spec"],
	"batch/CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
	"batch/Job": ["spec", "template", "spec"],
}
