package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"kubevet.io/tests/kubernetes/apiclient"
)

// chart is what is installed together: the objects of one file, with `release-name` where the name of the
// installation belongs.
type chart struct {
	name    string
	objects []apiclient.Object
}

//go:embed charts/*.yaml
var ownCharts embed.FS

// leftOut are kinds that would change how the API server itself answers.
var leftOut = map[string]bool{"ValidatingWebhookConfiguration": true, "MutatingWebhookConfiguration": true, "APIService": true}

// readCharts reads the charts of a folder; of this program if it is empty.
func readCharts(folder string) ([]chart, error) {
	files, pattern := fs.FS(ownCharts), "charts/*.yaml"
	if folder != "" {
		files, pattern = os.DirFS(folder), "*.yaml"
	}
	names, err := fs.Glob(files, pattern) // sorted
	if err != nil {
		return nil, err
	}
	var charts []chart
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		c := chart{name: strings.TrimSuffix(path.Base(name), ".yaml")}
		for _, part := range strings.Split("\n"+string(text), "\n---") {
			var object apiclient.Object
			if err := yaml.Unmarshal([]byte(part), &object); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if object["kind"] != nil && !leftOut[apiclient.String(object, "kind")] {
				c.objects = append(c.objects, object)
			}
		}
		charts = append(charts, c)
	}
	if len(charts) == 0 {
		return nil, fmt.Errorf("no YAML in %s", folder)
	}
	return charts, nil
}

// Kinds of other software that have a pod template; some Deployments are installed as one of these.
var (
	rolloutKind = apiclient.Resource{Group: "argoproj.io", Version: "v1alpha1", Plural: "rollouts", Kind: "Rollout", Namespaced: true}
	knativeKind = apiclient.Resource{Group: "serving.knative.dev", Version: "v1", Plural: "services", Kind: "Service", Namespaced: true}
)

// defineKinds creates a CRD for each kind of the charts that is not served, and waits until all are.
func defineKinds(ctx context.Context, client *apiclient.Client, charts []chart) error {
	served, err := servedKinds(ctx, client)
	if err != nil {
		return err
	}
	wanted := []apiclient.Resource{rolloutKind, knativeKind}
	for _, c := range charts {
		for _, object := range c.objects {
			group, version, hasGroup := strings.Cut(apiclient.String(object, "apiVersion"), "/")
			if kind := apiclient.String(object, "kind"); hasGroup {
				wanted = append(wanted, apiclient.Resource{Group: group, Version: version, Kind: kind, Plural: strings.ToLower(kind) + "s", Namespaced: true})
			}
		}
	}
	defined := map[string]bool{}
	for _, r := range wanted {
		name := r.Group + "/" + r.Kind
		if served[name] || defined[name] {
			continue
		}
		defined[name] = true
		const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		if _, err := client.Call(ctx, http.MethodPost, path, apiclient.JSON, definition(r)); err != nil && !apiclient.IsCode(err, http.StatusConflict) {
			return err
		}
	}
	return retry(ctx, 100, func() bool {
		served, err := servedKinds(ctx, client)
		if err != nil {
			return false
		}
		for name := range defined {
			if !served[name] {
				return false
			}
		}
		return true
	})
}

func servedKinds(ctx context.Context, client *apiclient.Client) (map[string]bool, error) {
	resources, err := client.Discover(ctx)
	if err != nil {
		return nil, err
	}
	served := map[string]bool{}
	for _, r := range resources {
		served[r.Group+"/"+r.Kind] = true
	}
	return served, nil
}

func definition(r apiclient.Resource) apiclient.Object {
	type object = apiclient.Object
	schema := object{"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}
	return object{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": object{"name": r.Plural + "." + r.Group},
		"spec": object{"group": r.Group, "scope": "Namespaced",
			"names":    object{"plural": r.Plural, "singular": strings.ToLower(r.Kind), "kind": r.Kind},
			"versions": []any{object{"name": r.Version, "served": true, "storage": true, "schema": schema}}}}
}

// retry calls a function until it is true, at most so many times, with 100 ms between.
func retry(ctx context.Context, times int, done func() bool) error {
	for range times {
		if done() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("not done after %d attempts", times)
}
