package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

// churn changes objects that it finds: labels, Pod templates; it also creates objects and deletes some of these again.
type churn struct {
	client     *apiclient.Client
	random     *rand.Rand
	pool       *pool
	namespaces []string
	workloads  []target // Deployments, ConfigMaps and Services that stay

	mutex   sync.Mutex
	made    []target
	number  map[string]int
	encoder *json.Encoder
}

// target is the place of an object.
type target struct{ kind, path, uid string }

// change is the line that is printed for a change that a result follows, with the time at which it was answered.
type change struct {
	Change string `json:"change"` // "create" or "delete"
	UID    string `json:"uid"`
	Time   int64  `json:"time"` // milliseconds
}

// churned is the last line.
type churned struct {
	Seconds float64        `json:"seconds"`
	Changes map[string]int `json:"changes"`
}

func runChurn(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("churn", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of an admin")
	rate := flags.Float64("rate", 50, "changes in a second")
	lasting := flags.Duration("for", 30*time.Second, "how long it lasts")
	seed := flags.Uint64("seed", 1, "the same seed chooses the same kinds of changes")
	_ = flags.Parse(args) // ExitOnError
	client, err := apiclient.Load(*kubeconfig)
	if err != nil {
		return err
	}
	c := &churn{client: client, random: rand.New(rand.NewPCG(*seed, 1<<40)), pool: newPool(32), number: map[string]int{}, encoder: json.NewEncoder(os.Stdout)}
	if err := c.findTargets(ctx); err != nil {
		return err
	}
	began := time.Now()
	for n := 0; time.Since(began) < *lasting && ctx.Err() == nil; n++ {
		due := began.Add(time.Duration(float64(n) / *rate * float64(time.Second)))
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(due)):
			c.next(ctx)
		}
	}
	c.pool.wait()
	return c.encoder.Encode(churned{time.Since(began).Seconds(), c.number})
}

// findTargets finds the first objects of each kind that may change.
func (c *churn) findTargets(ctx context.Context) error {
	seen := map[string]bool{}
	for _, r := range []apiclient.Resource{
		{Group: "apps", Version: "v1", Plural: "deployments", Kind: "Deployment", Namespaced: true},
		{Version: "v1", Plural: "configmaps", Kind: "ConfigMap", Namespaced: true},
		{Version: "v1", Plural: "services", Kind: "Service", Namespaced: true},
	} {
		list, err := c.client.Get(ctx, r.Path("", "")+"?limit=500&labelSelector=kubevet.io/app")
		if err != nil {
			return err
		}
		for _, item := range apiclient.List(list, "items") {
			object, _ := item.(apiclient.Object)
			namespace := apiclient.String(object, "metadata", "namespace")
			c.workloads = append(c.workloads, target{r.Kind, r.Path(namespace, apiclient.String(object, "metadata", "name")), ""})
			if !seen[namespace] {
				seen[namespace] = true
				c.namespaces = append(c.namespaces, namespace)
			}
		}
	}
	if len(c.workloads) == 0 {
		return errors.New("nothing to change: run cluster_sim fill first")
	}
	return nil
}

// next makes one change: of 100, about 58 of labels, 6 of a Pod template, 24 creations and 12 deletions.
func (c *churn) next(ctx context.Context) {
	t := c.workloads[c.random.IntN(len(c.workloads))]
	value := fmt.Sprintf("%08x", c.random.Uint32())
	namespace := c.namespaces[c.random.IntN(len(c.namespaces))]
	switch p := c.random.Float64(); {
	case p < 0.06 && t.kind == "Deployment":
		annotations := apiclient.Object{"annotations": apiclient.Object{"kubevet.io/churn": value}}
		c.patch(ctx, "template", t, apiclient.Object{"spec": apiclient.Object{"template": apiclient.Object{"metadata": annotations}}})
	case p < 0.64:
		c.patch(ctx, "labels", t, apiclient.Object{"metadata": apiclient.Object{"labels": apiclient.Object{"kubevet.io/churn": value}}})
	case p < 0.76:
		c.remove(ctx)
	case p < 0.90:
		c.create(ctx, "configmaps", namespace, apiclient.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": apiclient.Object{"name": "churn-" + value}, "data": apiclient.Object{"DB_PASSWORD": value}})
	default:
		container := apiclient.Object{"name": "a", "image": "nginx", "securityContext": apiclient.Object{"privileged": true}}
		c.create(ctx, "pods", namespace, apiclient.Object{"apiVersion": "v1", "kind": "Pod", "metadata": apiclient.Object{"name": "churn-" + value}, "spec": apiclient.Object{"containers": []any{container}}})
	}
}

func (c *churn) patch(ctx context.Context, name string, t target, body apiclient.Object) {
	c.pool.do(func() {
		_, err := c.client.Call(ctx, http.MethodPatch, t.path, apiclient.MergePatch, body)
		c.note(name, err)
	})
}

func (c *churn) create(ctx context.Context, plural, namespace string, object apiclient.Object) {
	path := "/api/v1/namespaces/" + namespace + "/" + plural
	c.pool.do(func() {
		made, err := c.client.Call(ctx, http.MethodPost, path, apiclient.JSON, object)
		c.note("create", err)
		if err != nil {
			return
		}
		t := target{plural, path + "/" + apiclient.String(made, "metadata", "name"), apiclient.String(made, "metadata", "uid")}
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.print("create", t)
		c.made = append(c.made, t)
	})
}

// remove deletes the oldest object that this process has created.
func (c *churn) remove(ctx context.Context) {
	t, ok := c.oldest()
	if !ok {
		return
	}
	c.pool.do(func() {
		_, err := c.client.Call(ctx, http.MethodDelete, t.path, apiclient.JSON, apiclient.Object{"gracePeriodSeconds": 0})
		c.note("delete", err)
		if err != nil {
			return
		}
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.print("delete", t)
	})
}

// oldest takes the object that was created first.
func (c *churn) oldest() (t target, ok bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.made) == 0 {
		return t, false
	}
	t, c.made = c.made[0], c.made[1:]
	return t, true
}

func (c *churn) print(name string, t target) {
	_ = c.encoder.Encode(change{name, t.uid, time.Now().UnixMilli()}) // nobody reads it any more
}

func (c *churn) note(name string, err error) {
	if err != nil {
		name += " failed"
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.number[name]++
}
