package main

import (
	"fmt"
	"io"
	"reflect"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	gvk "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistrationv1beta1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

const lifecycleHead = `# The API versions that Kubernetes deprecated or removed. Made by tests/kubernetes/schema: do not edit.
#
# GROUP/VERSION KIND deprecated removed = REPLACEMENT     one of the core group has no GROUP/
#
# Both are minor versions: the first that warns, and the first that does not serve it. - is none. A replacement is a
# GROUP/VERSION, with the KIND where that differs.
`

// forgotten are those whose Go types Kubernetes has dropped, from its deprecation guide and release notes.
var forgotten = []string{
	"auditregistration.k8s.io/v1alpha1 AuditSink - 19",
	"autoscaling/v2beta1 HorizontalPodAutoscaler 22 25 = autoscaling/v2",
	"autoscaling/v2beta2 HorizontalPodAutoscaler 23 26 = autoscaling/v2",
	"batch/v2alpha1 CronJob - 21 = batch/v1",
	"extensions/v1beta1 PodSecurityPolicy 11 16",
	"policy/v1beta1 PodSecurityPolicy 21 25",
	"settings.k8s.io/v1alpha1 PodPreset - 20",
}

// subresources are kinds that no object is stored as.
var subresources = map[string]bool{"Eviction": true, "Scale": true}

// writeLifecycle writes what the Go types of the newest version say of the life of each API version.
func writeLifecycle(out io.Writer) error {
	types := scheme.Scheme
	for _, add := range []func(*runtime.Scheme) error{
		apiextensionsv1.AddToScheme, apiextensionsv1beta1.AddToScheme,
		apiregistrationv1.AddToScheme, apiregistrationv1beta1.AddToScheme,
	} {
		if err := add(types); err != nil {
			return err
		}
	}
	lines := append([]string{}, forgotten...)
	for kind, of := range types.AllKnownTypes() {
		object := reflect.New(of).Interface()
		if _, stored := object.(metav1.Object); !stored || subresources[kind.Kind] {
			continue
		}
		if line := lifecycle(kind, object); line != "" {
			lines = append(lines, line)
		}
	}
	sort.Strings(lines)
	_, err := fmt.Fprint(out, lifecycleHead, "\n", strings.Join(lines, "\n"), "\n")
	return err
}

// lifecycle is the line of an API version; empty if it is neither deprecated nor removed.
func lifecycle(kind gvk.GroupVersionKind, object any) string {
	deprecated, removed := "-", "-"
	if of, ok := object.(interface{ APILifecycleDeprecated() (int, int) }); ok {
		_, minor := of.APILifecycleDeprecated()
		deprecated = fmt.Sprint(minor)
	}
	if of, ok := object.(interface{ APILifecycleRemoved() (int, int) }); ok {
		_, minor := of.APILifecycleRemoved()
		removed = fmt.Sprint(minor)
	}
	if deprecated == "-" && removed == "-" {
		return ""
	}
	line := fmt.Sprintf("%s %s %s %s", kind.GroupVersion(), kind.Kind, deprecated, removed)
	if of, ok := object.(interface {
		APILifecycleReplacement() gvk.GroupVersionKind
	}); ok {
		to := of.APILifecycleReplacement()
		line += " = " + to.GroupVersion().String()
		// The type of IngressClass names the list of its replacement.
		if name := strings.TrimSuffix(to.Kind, "List"); name != kind.Kind {
			line += " " + name
		}
	}
	return line
}
