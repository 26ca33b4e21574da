package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

// kubelets are the scheduler and the kubelets of all nodes: they bind Pods, report that they run, and let go of those
// that are deleted.
type kubelets struct {
	client *apiclient.Client
	nodes  int
	pool   *pool
	// The uids of the Pods that have run.
	up map[string]bool
	// Pods that were seen, and that have run.
	seen, running atomic.Int64
	bound         int
}

// startKubelets follows all Pods until the context ends.
func startKubelets(ctx context.Context, client *apiclient.Client, nodes int) *kubelets {
	k := &kubelets{client: client, nodes: nodes, pool: newPool(32), up: map[string]bool{}}
	go func() {
		version := ""
		for ctx.Err() == nil {
			version = k.follow(ctx, version)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return k
}

type watchEvent struct {
	Type   string           `json:"type"`
	Object apiclient.Object `json:"object"`
}

// follow watches from a version on until the watch ends, and returns the version to go on from; empty to begin anew.
func (k *kubelets) follow(ctx context.Context, version string) string {
	response, err := k.client.Request(ctx, http.MethodGet, "/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion="+version, "", nil)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(bufio.NewReaderSize(response.Body, 1<<16))
	for {
		var event watchEvent
		if decoder.Decode(&event) != nil {
			return version
		}
		switch event.Type {
		case "ERROR":
			return ""
		case "ADDED":
			k.seen.Add(1)
			fallthrough
		case "MODIFIED":
			k.tend(ctx, event.Object)
		}
		if v := apiclient.String(event.Object, "metadata", "resourceVersion"); v != "" {
			version = v
		}
	}
}

// tend does for a Pod what comes next. What fails is done at its next event; the API server is on this machine.
func (k *kubelets) tend(ctx context.Context, pod apiclient.Object) {
	type object = apiclient.Object
	name := apiclient.String(pod, "metadata", "name")
	path := "/api/v1/namespaces/" + apiclient.String(pod, "metadata", "namespace") + "/pods/" + name
	send := func(method, path, contentType string, body object) {
		k.pool.do(func() { _, _ = k.client.Call(ctx, method, path, contentType, body) })
	}
	node, phase := apiclient.String(pod, "spec", "nodeName"), apiclient.String(pod, "status", "phase")
	switch {
	case apiclient.At(pod, "metadata", "deletionTimestamp") != nil:
		send(http.MethodDelete, path, apiclient.JSON, object{"gracePeriodSeconds": 0})
	case node == "":
		if node = pinnedNode(pod); node == "" {
			k.bound++
			node = nodeName(k.bound % k.nodes)
		}
		send(http.MethodPost, path+"/binding", apiclient.JSON, object{"apiVersion": "v1", "kind": "Binding",
			"metadata": object{"name": name}, "target": object{"apiVersion": "v1", "kind": "Node", "name": node}})
	case phase == "Pending":
		send(http.MethodPatch, path+"/status", apiclient.MergePatch, object{"status": runningStatus(pod)})
	case phase == "Running":
		k.up[apiclient.String(pod, "metadata", "uid")] = true
		k.running.Store(int64(len(k.up)))
	}
}

// pinnedNode is the node that a Pod of a DaemonSet must run on.
func pinnedNode(pod apiclient.Object) string {
	for _, term := range apiclient.List(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms") {
		term, _ := term.(apiclient.Object)
		for _, field := range apiclient.List(term, "matchFields") {
			field, _ := field.(apiclient.Object)
			if values := apiclient.List(field, "values"); len(values) == 1 && field["key"] == "metadata.name" {
				name, _ := values[0].(string)
				return name
			}
		}
	}
	return ""
}

// settle waits until so many Pods have run, or nothing has happened for ten seconds.
func (k *kubelets) settle(ctx context.Context, pods int64, longest time.Duration) error {
	const quiet = 10 * time.Second
	end, last, changed := time.Now().Add(longest), int64(-1), time.Now()
	for time.Now().Before(end) {
		running := k.running.Load()
		if running >= pods {
			return nil
		}
		if now := running + k.seen.Load(); now != last {
			last, changed = now, time.Now()
		}
		if time.Since(changed) > quiet {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	fmt.Fprintf(os.Stderr, "%d of %d Pods run\n", k.running.Load(), pods)
	return nil
}
