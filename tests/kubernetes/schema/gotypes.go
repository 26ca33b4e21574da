package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

// markFromGo marks what OpenAPI documents do not say: the values a field may have, and what becomes of an absent field
// when the server decodes an object and encodes it for admission. Types that the newest version lacks stay unmarked.
func (t *table) markFromGo() error {
	definitions := openapi.GetOpenAPIDefinitions(func(path string) spec.Ref { return spec.MustCreateRef("#/" + path) })
	for _, it := range t.types {
		for key, property := range definitions[it.openapi].Schema.Properties {
			if it.fields[key] != nil {
				it.fields[key].values = values(&property)
			}
		}
	}
	types, err := goTypes()
	if err != nil {
		return err
	}
	for name, it := range t.types {
		found := types[name]
		if found == nil {
			if it.seen.last == t.seen.last {
				return fmt.Errorf("no Go type for %s", name)
			}
			continue
		}
		zero, err := runtime.DefaultUnstructuredConverter.ToUnstructured(reflect.New(found).Interface())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for key, value := range zero {
			if it.fields[key] == nil {
				return fmt.Errorf("%s.%s is in Go, and in no OpenAPI document", name, key)
			}
			it.fields[key].nullable, it.fields[key].always = value == nil, value != nil
		}
		it.markFields(found)
	}
	return nil
}

// markFields marks what a zero value does not show.
func (o *object) markFields(of reflect.Type) {
	for i := range of.NumField() {
		member := of.Field(i)
		key, options, _ := strings.Cut(member.Tag.Get("json"), ",")
		if key == "" && member.Anonymous {
			o.markFields(member.Type)
		}
		it := o.fields[key]
		if it == nil {
			continue
		}
		// Before `omitzero` came to be, in 1.34, an empty time was written as null.
		if it.expression == "time" && strings.Contains(options, "omitzero") {
			it.nullable = true
		}
		collection := member.Type
		for collection.Kind() == reflect.Pointer {
			collection = collection.Elem()
		}
		if strings.ContainsAny(it.expression, "[{") {
			inner := collection.Elem().Kind()
			it.nulls = inner == reflect.Pointer || inner == reflect.Slice || inner == reflect.Map ||
				strings.Trim(it.expression, "[]{}") == "time"
		}
	}
}

// values are those that a string, or the strings of a list, may have.
func values(property *spec.Schema) []string {
	if property.Items != nil && property.Items.Schema != nil {
		property = property.Items.Schema
	}
	var found []string
	for _, value := range property.Enum {
		text := fmt.Sprint(value)
		if text == "" {
			text = `""`
		}
		found = append(found, text)
	}
	sort.Strings(found)
	return found
}

// goTypes are the structs of all kinds and of what they hold, by the names of the table.
func goTypes() (map[string]reflect.Type, error) {
	for _, add := range []func(*runtime.Scheme) error{apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme} {
		if err := add(scheme.Scheme); err != nil {
			return nil, err
		}
	}
	found := map[string]reflect.Type{}
	var visit func(reflect.Type)
	visit = func(it reflect.Type) {
		switch it.Kind() {
		case reflect.Pointer:
			visit(it.Elem())
		case reflect.Slice, reflect.Map:
			visit(it.Elem())
		case reflect.Struct:
			name := goName(it)
			if found[name] != nil || !strings.HasPrefix(it.PkgPath(), "k8s.io/") {
				return
			}
			found[name] = it
			for i := range it.NumField() {
				visit(it.Field(i).Type)
			}
		}
	}
	for _, it := range scheme.Scheme.AllKnownTypes() {
		visit(it)
	}
	return found, nil
}

func goName(it reflect.Type) string {
	steps := strings.Split(it.PkgPath(), "/")
	return strings.Join(append(steps[max(0, len(steps)-2):], it.Name()), ".")
}
