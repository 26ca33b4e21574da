package main

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/runtime"
)

type decodeAnswer struct {
	Object    runtime.Object `json:"object,omitempty"`
	OldObject runtime.Object `json:"oldObject,omitempty"`
}

// answerDecode gives the objects of a vap request as a webhook is sent them:
// decoded by the server, put into the namespace of the request, encoded again.
func answerDecode(line []byte) (any, error) {
	var request vapRequest
	if err := json.Unmarshal(line, &request); err != nil {
		return nil, err
	}
	attributes, err := newAttributes(request)
	if err != nil {
		return nil, err
	}
	return decodeAnswer{attributes.GetObject(), attributes.GetOldObject()}, nil
}
