package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"kubevet.io/tests/kubernetes/apiclient"
)

// installation returns the objects of a chart under a name of their own, with small differences in security and
// resources.
func installation(c chart, namespace, name string, r *rand.Rand) []apiclient.Object {
	var made []apiclient.Object
	for _, object := range c.objects {
		object = renamed(object, namespace, name).(apiclient.Object)
		metadata := apiclient.Child(object, "metadata")
		metadata["namespace"] = namespace // the filler takes it away from what belongs to no namespace
		apiclient.Child(metadata, "labels")["kubevet.io/app"] = name
		switch kind := apiclient.String(object, "kind"); kind {
		case "Deployment", "StatefulSet", "DaemonSet":
			spec := apiclient.Child(object, "spec")
			if kind != "DaemonSet" {
				spec["replicas"] = 1 + r.IntN(5)
			}
			if pod, ok := apiclient.At(spec, "template", "spec").(apiclient.Object); ok {
				vary(pod, r)
			}
		}
		made = append(made, object)
	}
	return made
}

// renamed returns a deep copy with the names of the installation and of its namespace.
func renamed(value any, namespace, name string) any {
	switch value := value.(type) {
	case string:
		return strings.ReplaceAll(value, "release-name", name)
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = renamed(element, namespace, name)
		}
		return copied
	case apiclient.Object:
		copied := make(apiclient.Object, len(value))
		for key, element := range value {
			if key == "namespace" {
				copied[key] = namespace
				continue
			}
			copied[strings.ReplaceAll(key, "release-name", name)] = renamed(element, namespace, name)
		}
		return copied
	default:
		return value
	}
}

// vary makes a pod spec a little better or worse than its chart has it.
func vary(pod apiclient.Object, r *rand.Rand) {
	chance := func(p float64) bool { return r.Float64() < p }
	if chance(0.04) {
		pod["hostNetwork"] = true
	}
	if chance(0.02) {
		pod["hostPID"] = true
	}
	if chance(0.3) {
		pod["automountServiceAccountToken"] = chance(0.5)
	}
	for _, element := range apiclient.List(pod, "containers") {
		container, ok := element.(apiclient.Object)
		if !ok {
			continue
		}
		varySecurity(apiclient.Child(container, "securityContext"), chance)
		switch {
		case chance(0.4):
			container["resources"] = apiclient.Object{"requests": apiclient.Object{"cpu": "50m", "memory": "64Mi"}, "limits": apiclient.Object{"cpu": "500m", "memory": "256Mi"}}
		case chance(0.2):
			delete(container, "resources")
		}
		if chance(0.05) {
			password := apiclient.Object{"name": "DB_PASSWORD", "value": fmt.Sprintf("s3cret-%06d", r.IntN(1e6))}
			container["env"] = append(apiclient.List(container, "env"), password)
		}
		if chance(0.1) {
			if image, _, ok := strings.Cut(apiclient.String(container, "image"), ":"); ok && !strings.Contains(image, "@") {
				container["image"] = image + ":latest"
			}
		}
	}
}

func varySecurity(security apiclient.Object, chance func(float64) bool) {
	switch {
	case chance(0.05):
		security["privileged"], security["allowPrivilegeEscalation"] = true, true
	case chance(0.3) && security["privileged"] != true:
		security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"] = false, true
		security["capabilities"] = apiclient.Object{"drop": []any{"ALL"}}
	case chance(0.05):
		security["capabilities"] = apiclient.Object{"add": []any{"NET_ADMIN"}}
	}
}

// helmRelease is the Secret in which Helm keeps an installation: much of what is in the etcd of a real cluster.
func helmRelease(namespace, name string, r *rand.Rand) apiclient.Object {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	text := make([]byte, 4*(1000+r.IntN(5000)))
	for i := range text {
		text[i] = digits[r.IntN(len(digits))]
	}
	return apiclient.Object{"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
		"metadata": apiclient.Object{"name": "sh.helm.release.v1." + name + ".v1", "namespace": namespace, "labels": apiclient.Object{"owner": "helm", "name": name, "status": "deployed"}},
		"data":     apiclient.Object{"release": string(text)}}
}

// withTemplateOf returns an object of another kind with the pod template of a Deployment.
func withTemplateOf(deployment apiclient.Object, kind apiclient.Resource) (apiclient.Object, error) {
	copied, err := apiclient.Clone(deployment)
	if err != nil {
		return nil, err
	}
	if kind.Kind == knativeKind.Kind {
		copied["spec"] = apiclient.Object{"template": apiclient.At(copied, "spec", "template")}
	}
	copied["apiVersion"], copied["kind"] = kind.APIVersion(), kind.Kind
	return copied, nil
}
