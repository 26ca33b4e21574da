package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

// filler creates namespaces with installations of charts.
type filler struct {
	client *apiclient.Client
	// By apiVersion and kind.
	resources map[string]apiclient.Resource
	seed      uint64
	pool      *pool
	// The objects that will be there, with those that controllers create.
	expected      atomic.Int64
	pods          atomic.Int64
	refused       atomic.Int64
	installations int
}

func newFiller(client *apiclient.Client, resources []apiclient.Resource, seed uint64, workers int) *filler {
	f := &filler{client: client, resources: map[string]apiclient.Resource{}, seed: seed, pool: newPool(workers)}
	for _, r := range resources {
		f.resources[r.APIVersion()+"/"+r.Kind] = r
	}
	return f
}

var (
	teams  = []string{"shop", "pay", "search", "mail", "risk", "data", "media", "auth", "maps", "ads"}
	stages = []string{"prod", "stage", "dev"}
)

// fill creates namespaces until there are about so many objects.
func (f *filler) fill(ctx context.Context, charts []chart, objects, nodes int) error {
	defer f.pool.wait()
	reported := time.Now()
	for number := 0; f.expected.Load() < int64(objects) && ctx.Err() == nil; number++ {
		r := rand.New(rand.NewPCG(f.seed, uint64(number)))
		team := teams[number%len(teams)]
		namespace := fmt.Sprintf("%s-%s-%d", team, stages[r.IntN(len(stages))], number)
		labels := apiclient.Object{"team": team}
		if r.IntN(3) == 0 {
			labels["pod-security.kubernetes.io/warn"] = "restricted"
		}
		made := f.create(ctx, apiclient.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": apiclient.Object{"name": namespace, "labels": labels}})
		if made == nil {
			return fmt.Errorf("namespace %s was not created", namespace)
		}
		f.expected.Add(3) // with its ServiceAccount and the ConfigMap of the CA
		for n := range 1 + r.IntN(4) {
			name := fmt.Sprintf("%c%d-%d", 'a'+rune(r.IntN(26)), number, n)
			f.installations++
			for _, object := range installation(charts[r.IntN(len(charts))], namespace, name, r) {
				if err := f.install(ctx, object, nodes, r); err != nil {
					return err
				}
			}
			if err := f.install(ctx, helmRelease(namespace, name, r), nodes, r); err != nil {
				return err
			}
		}
		if time.Since(reported) > 10*time.Second {
			reported = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d objects, %d refused\n", f.expected.Load(), objects, f.refused.Load())
		}
	}
	return ctx.Err()
}

// install creates one object of an installation, and counts what controllers will make of it.
func (f *filler) install(ctx context.Context, object apiclient.Object, nodes int, r *rand.Rand) error {
	replicas := int64(1)
	if number, ok := apiclient.At(object, "spec", "replicas").(int); ok {
		replicas = int64(number)
	}
	switch apiclient.String(object, "kind") {
	case "DaemonSet":
		if f.installations <= 3 {
			f.expect(1+int64(nodes), int64(nodes))
			break
		}
		// A Pod on each node would be most of the cluster: only the first few stay.
		object["kind"] = "Deployment"
		spec := apiclient.Child(object, "spec")
		delete(spec, "updateStrategy")
		spec["replicas"] = 2
		f.deployment(ctx, object, 2, r.Uint64())
		return nil
	case "Deployment":
		kind := apiclient.Resource{}
		switch p := r.Float64(); {
		case p < 0.05:
			kind = rolloutKind
		case p < 0.07:
			kind = knativeKind
		default:
			f.deployment(ctx, object, replicas, r.Uint64())
			return nil
		}
		other, err := withTemplateOf(object, kind)
		if err != nil {
			return err
		}
		object = other
		f.expect(1, 0)
	case "StatefulSet":
		claims := int64(len(apiclient.List(object, "spec", "volumeClaimTemplates")))
		f.expect(2+replicas*(1+claims), replicas)
	case "Service":
		f.expect(3, 0)
	case "Job":
		f.expect(2, 1)
	case "Pod":
		f.expect(1, 1)
	default:
		f.expect(1, 0)
	}
	f.pool.do(func() { f.create(ctx, object) })
	return nil
}

func (f *filler) expect(objects, pods int64) {
	f.expected.Add(objects)
	f.pods.Add(pods)
}

// deployment creates a Deployment and the ReplicaSets of its former revisions.
func (f *filler) deployment(ctx context.Context, object apiclient.Object, replicas int64, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	past := r.IntN(4)
	f.expect(2+replicas+int64(past), replicas)
	f.pool.do(func() {
		made := f.create(ctx, object)
		for n := range past {
			if made != nil {
				f.create(ctx, formerReplicaSet(made, fmt.Sprintf("%08x", r.Uint32()), n+1))
			}
		}
	})
}

// formerReplicaSet is what the deployment controller leaves of a former revision.
func formerReplicaSet(deployment apiclient.Object, hash string, revision int) apiclient.Object {
	type object = apiclient.Object
	copied, err := apiclient.Clone(apiclient.Child(deployment, "spec"))
	if err != nil {
		return nil
	}
	template := apiclient.Child(copied, "template")
	metadata := apiclient.Child(template, "metadata")
	metadata["annotations"] = object{"kubectl.kubernetes.io/restartedAt": fmt.Sprintf("2026-01-%02dT00:00:00Z", revision)}
	labels := apiclient.Child(metadata, "labels")
	labels["pod-template-hash"] = hash
	selector := apiclient.Child(copied, "selector")
	apiclient.Child(selector, "matchLabels")["pod-template-hash"] = hash
	name := apiclient.String(deployment, "metadata", "name")
	owner := object{"apiVersion": deployment["apiVersion"], "kind": deployment["kind"], "name": name, "uid": apiclient.At(deployment, "metadata", "uid"), "controller": true, "blockOwnerDeletion": true}
	return object{"apiVersion": "apps/v1", "kind": "ReplicaSet",
		"metadata": object{"name": name + "-" + hash, "namespace": apiclient.At(deployment, "metadata", "namespace"), "labels": labels,
			"annotations": object{"deployment.kubernetes.io/revision": fmt.Sprint(revision)}, "ownerReferences": []any{owner}},
		"spec": object{"replicas": 0, "selector": selector, "template": template}}
}

// create creates an object. It returns nil if the API server refuses it, in the end.
func (f *filler) create(ctx context.Context, object apiclient.Object) (made apiclient.Object) {
	r, ok := f.resources[apiclient.String(object, "apiVersion")+"/"+apiclient.String(object, "kind")]
	if !ok {
		f.refused.Add(1)
		return nil
	}
	metadata := apiclient.Child(object, "metadata")
	if !r.Namespaced {
		delete(metadata, "namespace")
		name := apiclient.String(object, "metadata", "name")
		if app := apiclient.String(object, "metadata", "labels", "kubevet.io/app"); !strings.Contains(name, app) {
			metadata["name"] = name + "-" + app
		}
	}
	path := r.Path(apiclient.String(object, "metadata", "namespace"), "")
	err := retry(ctx, 50, func() bool {
		var err error
		made, err = f.client.Call(ctx, http.MethodPost, path, apiclient.JSON, object)
		// 403: the service account of the namespace is not there yet. 404: a new kind is not served yet.
		return err == nil || !apiclient.IsCode(err, 403, 404, 429, 500, 503)
	})
	if err != nil || made == nil {
		f.refused.Add(1)
		return nil
	}
	return made
}
