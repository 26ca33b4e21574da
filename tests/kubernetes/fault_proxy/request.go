package main

import (
	"net/http"
	"net/url"
	"strings"
)

// request is a request in the terms of RBAC.
type request struct {
	verb, group, resource, namespace, name, path, query string
}

func parseRequest(r *http.Request) request {
	q := request{path: r.URL.Path, verb: strings.ToLower(r.Method)}
	q.query, _ = url.QueryUnescape(r.URL.RawQuery) // empty if it is not valid: no rule matches it
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		q.group, parts = parts[1], parts[3:]
	default:
		return q
	}
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
		q.namespace, parts = parts[1], parts[2:]
	}
	q.resource = parts[0]
	if len(parts) > 1 {
		q.name = parts[1]
	}
	if len(parts) > 2 {
		q.resource += "/" + parts[2]
	}
	watch := r.URL.Query().Get("watch")
	switch {
	case r.Method == http.MethodGet && (watch == "1" || watch == "true"):
		q.verb = "watch"
	case r.Method == http.MethodGet && q.name == "":
		q.verb = "list"
	case r.Method == http.MethodPost:
		q.verb = "create"
	case r.Method == http.MethodPut:
		q.verb = "update"
	}
	return q
}
