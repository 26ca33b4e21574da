package apiclient

import "encoding/json"

// Object is any Kubernetes object.
type Object = map[string]any

// At returns the value at a path of keys; nil if there is none.
func At(value any, keys ...string) any {
	for _, key := range keys {
		object, ok := value.(Object)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}

// String returns the text at a path of keys; empty if there is none.
func String(object Object, keys ...string) string {
	text, _ := At(object, keys...).(string)
	return text
}

// List returns the list at a path of keys; nil if there is none.
func List(object Object, keys ...string) []any {
	list, _ := At(object, keys...).([]any)
	return list
}

// Child returns the map at a key, which is made if there is none.
func Child(object Object, key string) Object {
	child, ok := object[key].(Object)
	if !ok {
		child = Object{}
		object[key] = child
	}
	return child
}

// Clone returns a deep copy.
func Clone(object Object) (Object, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var copied Object
	return copied, json.Unmarshal(text, &copied)
}
