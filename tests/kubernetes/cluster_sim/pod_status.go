package main

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

// runningStatus is the status of a Pod whose containers run; an image always has the same digest.
func runningStatus(pod apiclient.Object) apiclient.Object {
	type object = apiclient.Object
	now := time.Now().UTC().Format(time.RFC3339)
	uid := apiclient.String(pod, "metadata", "uid")
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(uid)) // never fails
	n := hash.Sum32()
	ip := fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
	statuses := func(key string, state object) []any {
		var made []any
		for _, container := range apiclient.List(pod, "spec", key) {
			container, _ := container.(object)
			image := apiclient.String(container, "image")
			made = append(made, object{"name": container["name"], "image": image, "ready": true, "started": key == "containers", "restartCount": 0, "state": state,
				"imageID": fmt.Sprintf("%s@sha256:%x", image, sha256.Sum256([]byte(image))), "containerID": fmt.Sprintf("containerd://%x", sha256.Sum256([]byte(uid+image)))})
		}
		return made
	}
	var conditions []any
	for _, kind := range []string{"Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		conditions = append(conditions, object{"type": kind, "status": "True", "lastProbeTime": nil, "lastTransitionTime": now})
	}
	status := object{"phase": "Running", "startTime": now, "hostIP": "192.0.2.1", "podIP": ip, "podIPs": []any{object{"ip": ip}}, "qosClass": apiclient.At(pod, "status", "qosClass"),
		"conditions": conditions, "containerStatuses": statuses("containers", object{"running": object{"startedAt": now}})}
	ended := object{"terminated": object{"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
	if init := statuses("initContainers", ended); init != nil {
		status["initContainerStatuses"] = init
	}
	return status
}
