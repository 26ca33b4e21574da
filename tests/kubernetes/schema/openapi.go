package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// schema is what is read of an OpenAPI schema.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	AllOf      []schema           `json:"allOf"`
	Items      *schema            `json:"items"`
	Values     *schema            `json:"additionalProperties"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Keys       []string           `json:"x-kubernetes-list-map-keys"`
}

// document is what is read of an OpenAPI document: one group and version.
type document struct {
	Paths map[string]struct {
		Post struct {
			Kind struct {
				Group, Version, Kind string
			} `json:"x-kubernetes-group-version-kind"`
			RequestBody struct {
				Content map[string]struct {
					Schema schema
				}
			}
		}
	}
	Components struct {
		Schemas map[string]*schema
	}
}

// collection is a path that objects are made at; subresources have more steps.
var collection = regexp.MustCompile(`^/(?:api/v1|apis/[^/]+/[^/]+)(/namespaces/\{namespace\})?/([a-z]+)$`)

// readOpenAPI reads the documents of one version of Kubernetes.
func readOpenAPI(folder string) (*table, error) {
	files, err := filepath.Glob(filepath.Join(folder, "api*_openapi.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no OpenAPI documents in %s", folder)
	}
	of := newTable()
	schemas := map[string]*schema{}
	var documents []document
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var read document
		if err := json.Unmarshal(text, &read); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		documents = append(documents, read)
		for name, it := range read.Components.Schemas {
			schemas[name] = it
		}
	}
	reader := reader{schemas}
	for _, read := range documents {
		if err := reader.kinds(&read, of); err != nil {
			return nil, err
		}
	}
	for name, it := range schemas {
		if err := reader.named(name, it, of); err != nil {
			return nil, err
		}
	}
	return of, nil
}

type reader struct{ schemas map[string]*schema }

func (r reader) kinds(read *document, of *table) error {
	for path, item := range read.Paths {
		found := collection.FindStringSubmatch(path)
		post := item.Post
		if found == nil || post.Kind.Kind == "" {
			continue
		}
		for _, body := range post.RequestBody.Content {
			root, err := r.expression(&body.Schema)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			of.kinds[kindKey{post.Kind.Group, post.Kind.Kind, post.Kind.Version}] =
				&kind{plural: found[2], namespaced: found[1] != "", root: root}
		}
	}
	return nil
}

// named adds a schema that others refer to, unless it is written as an expression wherever it is used.
func (r reader) named(name string, it *schema, of *table) error {
	if _, plain := r.plain(name, it); plain {
		return nil
	}
	fields := map[string]*field{}
	for key, property := range it.Properties {
		expression, err := r.expression(property)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, key, err)
		}
		fields[key] = &field{expression: expression, keys: property.Keys}
	}
	for _, key := range it.Required {
		if fields[key] == nil {
			return fmt.Errorf("%s requires %s, which it has not", name, key)
		}
		fields[key].required = true
	}
	of.types[short(name)] = &object{openapi: name, fields: fields}
	return nil
}

// plain is the expression of a named schema that is no object with fields.
func (r reader) plain(name string, it *schema) (string, bool) {
	switch name[strings.LastIndex(name, "/")+1:] {
	case "io.k8s.apimachinery.pkg.api.resource.Quantity":
		return "quantity", true
	case "io.k8s.apimachinery.pkg.util.intstr.IntOrString":
		return "intOrString", true
	case "io.k8s.apimachinery.pkg.apis.meta.v1.Time", "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":
		return "time", true
	case "io.k8s.apimachinery.pkg.runtime.RawExtension", "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":
		return "any", true
	}
	if it.Type == "object" && it.Values == nil {
		return "", false
	}
	expression, err := r.expression(it)
	return expression, err == nil
}

// expression says a schema in the table's words.
func (r reader) expression(it *schema) (string, error) {
	if len(it.AllOf) == 1 {
		return r.expression(&it.AllOf[0])
	}
	if it.Ref != "" {
		name := strings.TrimPrefix(it.Ref, "#/components/schemas/")
		to := r.schemas[name]
		if to == nil {
			return "", fmt.Errorf("no schema %s", name)
		}
		if expression, plain := r.plain(name, to); plain {
			return expression, nil
		}
		return short(name), nil
	}
	switch it.Type + "/" + it.Format {
	case "string/":
		return "string", nil
	case "string/byte":
		return "bytes", nil
	case "string/date-time":
		return "time", nil
	case "boolean/":
		return "bool", nil
	case "integer/int32":
		return "int32", nil
	case "integer/int64":
		return "int64", nil
	case "number/double":
		return "number", nil
	case "/":
		return "any", nil
	case "array/":
		inner, err := r.expression(it.Items)
		return "[" + inner + "]", err
	case "object/":
		if it.Values == nil {
			return "any", nil
		}
		inner, err := r.expression(it.Values)
		return "{" + inner + "}", err
	}
	return "", fmt.Errorf("a schema of type %q and format %q", it.Type, it.Format)
}

// short is the name of a type in the table: `core.v1.Pod` of `io.k8s.api.core.v1.Pod`.
func short(name string) string {
	steps := strings.Split(name, ".")
	return strings.Join(steps[max(0, len(steps)-3):], ".")
}
