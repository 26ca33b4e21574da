// Command helm_render renders charts by Helm's own engine: the truth for the
// chart that kubevet writes.
//
// One JSON object per line on stdin is a request; one per line on stdout, in
// the same order, is its answer. Nothing is fetched.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// request is a chart and what a user asks of it.
type request struct {
	Files     map[string]string `json:"files"`  // path in the chart: text
	Values    string            `json:"values"` // YAML, as a file of -f
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	IsUpgrade bool              `json:"isUpgrade"`
}

// answer has the manifest as `helm template` prints it, or what Helm says is wrong.
type answer struct {
	Manifest string `json:"manifest,omitempty"`
	Notes    string `json:"notes,omitempty"`
	Error    string `json:"error,omitempty"`
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "helm_render:", err)
		os.Exit(1)
	}
}

func serve() error {
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		var wanted request
		if err := json.Unmarshal(line, &wanted); err != nil {
			return err
		}
		rendered, err := wanted.render()
		if err != nil {
			rendered = answer{Error: err.Error()}
		}
		if err := out.Encode(rendered); err != nil {
			return err
		}
	}
}

// render does what `helm template` does with a chart without dependencies.
func (r *request) render() (answer, error) {
	chart, err := r.load()
	if err != nil {
		return answer{}, err
	}
	user, err := loader.LoadValues(bytes.NewReader([]byte(r.Values)))
	if err != nil {
		return answer{}, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	if wanted := chart.Metadata.KubeVersion; !chartutil.IsCompatibleRange(wanted, capabilities.KubeVersion.String()) {
		return answer{}, fmt.Errorf("chart requires kubeVersion: %s", wanted)
	}
	options := common.ReleaseOptions{
		Name: r.Name, Namespace: r.Namespace, Revision: 1,
		IsInstall: !r.IsUpgrade, IsUpgrade: r.IsUpgrade,
	}
	// The schema of the chart is checked, too.
	values, err := util.ToRenderValuesWithSchemaValidation(chart, user, options, capabilities, false)
	if err != nil {
		return answer{}, err
	}
	files, err := engine.Engine{}.Render(chart, values)
	if err != nil {
		return answer{}, err
	}
	notes := chart.Name() + "/templates/NOTES.txt"
	rendered := answer{Notes: files[notes]}
	delete(files, notes)
	_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return answer{}, err
	}
	for _, manifest := range manifests {
		rendered.Manifest += "---\n# Source: " + manifest.Name + "\n" + manifest.Content + "\n"
	}
	return rendered, nil
}

func (r *request) load() (*chart.Chart, error) {
	var files []*archive.BufferedFile
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		files = append(files, &archive.BufferedFile{Name: name, Data: []byte(r.Files[name])})
	}
	return loader.LoadFiles(files)
}
