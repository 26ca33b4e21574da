package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

func nodeName(number int) string { return fmt.Sprintf("node-%04d", number) }

// makeNodes creates nodes that are ready and have room for every Pod.
func makeNodes(ctx context.Context, client *apiclient.Client, number int) error {
	type object = apiclient.Object
	for i := range number {
		name := nodeName(i)
		node := object{"apiVersion": "v1", "kind": "Node", "metadata": object{"name": name, "labels": object{
			"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "topology.kubernetes.io/zone": fmt.Sprintf("zone-%d", i%3)}}}
		if _, err := client.Call(ctx, http.MethodPost, "/api/v1/nodes", apiclient.JSON, node); err != nil && !apiclient.IsCode(err, http.StatusConflict) {
			return err
		}
		room := object{"cpu": "64", "memory": "256Gi", "pods": "5000"}
		now := time.Now().UTC().Format(time.RFC3339)
		status := object{"status": object{"capacity": room, "allocatable": room,
			"conditions": []any{object{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now, "lastTransitionTime": now}},
			"nodeInfo": object{"architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.36.3", "osImage": "none", "kernelVersion": "6.12",
				"containerRuntimeVersion": "none", "bootID": "", "machineID": "", "systemUUID": "", "kubeProxyVersion": ""}}}
		if _, err := client.Call(ctx, http.MethodPatch, "/api/v1/nodes/"+name+"/status", apiclient.MergePatch, status); err != nil {
			return err
		}
		// A node is created with a taint, which stays until the node controller looks again.
		_, _ = client.Call(ctx, http.MethodPatch, "/api/v1/nodes/"+name, apiclient.MergePatch, object{"spec": object{"taints": nil}})
	}
	return nil
}
