package main

import (
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// rule is one thing that goes wrong. What is left out of the first part matches every request. Of the second part, any
// number of faults apply together.
type rule struct {
	Name string `json:"name"`

	Verb      string `json:"verb"`      // list, watch, get, create, update, patch, delete
	Group     string `json:"group"`     // "core" for the core group
	Resource  string `json:"resource"`  // pods, pods/status
	Namespace string `json:"namespace"` // "*all*" for requests over all namespaces
	Query     string `json:"query"`     // a part of the query, decoded: "continue=", "resourceVersion=0"
	Path      string `json:"path"`      // a part of the path
	Skip      int    `json:"skip"`      // so many matching requests go well first
	Times     int    `json:"times"`     // then so many go wrong; 0: all

	Status         int    `json:"status"`         // answered with a Status of this code, without a request to the API server
	Reason         string `json:"reason"`         // its reason, if not the usual one
	Message        string `json:"message"`        // its message
	RetryAfter     int    `json:"retryAfter"`     // seconds
	Delay          string `json:"delay"`          // before anything is answered
	Pace           string `json:"pace"`           // the pause after each event of a watch, or each 16 KiB of another body
	CutAfter       *int   `json:"cutAfter"`       // so many events of a watch, or bytes of another body; then the connection breaks
	EndAfter       *int   `json:"endAfter"`       // the same, but it ends in order: truncated JSON
	HangAfter      *int   `json:"hangAfter"`      // the same, but nothing arrives any more, and nothing ends
	GoneAfter      *int   `json:"goneAfter"`      // so many events, then the watch reports 410
	FailAfter      *int   `json:"failAfter"`      // so many events, then the watch reports 500
	GarbageAfter   *int   `json:"garbageAfter"`   // so many events, then a line that is no JSON
	NoBookmarks    bool   `json:"noBookmarks"`    // a watch loses its bookmarks
	Twice          bool   `json:"twice"`          // each event of a watch comes twice
	CloseAfter     bool   `json:"goaway"`         // GOAWAY after this answer; with HTTP/1.1, the connection closes
	Replay         bool   `json:"replay"`         // the first answer to this request is given for ever: a server that is behind
	SetVersion     string `json:"setVersion"`     // replaces the resourceVersion of the request: "1" is too old, a huge one is of the future
	ExpireContinue bool   `json:"expireContinue"` // 410 for a continue token, with one to go on with, as the real server answers

	pace, delay   time.Duration
	seen, applied int
}

// parseRules reads `rules: [...]`.
func parseRules(text []byte) ([]*rule, error) {
	var script struct {
		Rules []*rule `json:"rules"`
	}
	if err := yaml.UnmarshalStrict(text, &script); err != nil {
		return nil, err
	}
	for _, r := range script.Rules {
		for _, duration := range []struct {
			text  string
			value *time.Duration
		}{{r.Delay, &r.delay}, {r.Pace, &r.pace}} {
			if duration.text == "" {
				continue
			}
			var err error
			if *duration.value, err = time.ParseDuration(duration.text); err != nil {
				return nil, fmt.Errorf("rule %s: %w", r.Name, err)
			}
		}
	}
	return script.Rules, nil
}

// matches says whether the rule is about a request.
func (r *rule) matches(q request) bool {
	is := func(wanted, found string) bool { return wanted == "" || wanted == found }
	namespace, group := q.namespace, q.group
	if namespace == "" {
		namespace = "*all*"
	}
	if group == "" {
		group = "core"
	}
	return is(r.Verb, q.verb) && is(r.Group, group) && is(r.Resource, q.resource) && is(r.Namespace, namespace) &&
		strings.Contains(q.query, r.Query) && strings.Contains(q.path, r.Path)
}

// take counts a request that matches, and says whether it goes wrong.
func (r *rule) take() bool {
	r.seen++
	if r.seen <= r.Skip || (r.Times > 0 && r.applied >= r.Times) {
		return false
	}
	r.applied++
	return true
}

// changesBody says whether the body of the answer is not passed on as it is.
func (r *rule) changesBody() bool {
	for _, after := range []*int{r.CutAfter, r.EndAfter, r.HangAfter, r.GoneAfter, r.FailAfter, r.GarbageAfter} {
		if after != nil {
			return true
		}
	}
	return r.NoBookmarks || r.Twice
}
