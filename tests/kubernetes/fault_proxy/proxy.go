package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

// proxy answers requests by the API server's answers, with the faults of the rules.
type proxy struct {
	upstream *apiclient.Client
	dir      string

	mutex   sync.Mutex
	rules   []*rule
	token   string
	tokens  int
	replays map[string]*replay
	log     []entry
	// Breaks a request that is under way, by its number.
	running map[int]context.CancelFunc
	begun   int
}

// replay is an answer that is given again.
type replay struct {
	code   int
	header http.Header
	body   []byte
}

// maxLog is the number of requests that are kept in the log.
const maxLog = 100_000

// entry is a request as it was answered.
type entry struct {
	Method   string `json:"method"`
	URI      string `json:"uri"`
	Protocol string `json:"protocol"`
	Code     int    `json:"code"`
	Rule     string `json:"rule,omitempty"`
	Events   int    `json:"events,omitempty"`
	Millis   int64  `json:"ms"`
}

func newProxy(upstream *apiclient.Client, dir string) *proxy {
	return &proxy{upstream: upstream, dir: dir, replays: map[string]*replay{}, running: map[int]context.CancelFunc{}}
}

// control serves what is described in main.go.
func (p *proxy) control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, action func(r *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := action(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	handle("PUT /rules", func(r *http.Request) error {
		text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return err
		}
		rules, err := parseRules(text)
		if err != nil {
			return err
		}
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.rules, p.log, p.replays = rules, nil, map[string]*replay{}
		return nil
	})
	handle("POST /cut", func(*http.Request) error {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		for _, cut := range p.running {
			cut()
		}
		return nil
	})
	handle("POST /token", func(*http.Request) error { return p.rotateToken() })
	mux.HandleFunc("GET /log", func(w http.ResponseWriter, _ *http.Request) {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		_ = json.NewEncoder(w).Encode(p.log) // the reader has gone
	})
	return mux
}

// rotateToken makes a new token where clients read it, and forgets the old one.
func (p *proxy) rotateToken() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.tokens++
	p.token = fmt.Sprintf("token-%d", p.tokens)
	next := filepath.Join(p.dir, "token.new")
	if err := os.WriteFile(next, []byte(p.token), 0o600); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(p.dir, "token"))
}

// begin registers a request, so that it can be broken.
func (p *proxy) begin(ctx context.Context) (context.Context, func()) {
	ctx, cut := context.WithCancel(ctx)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.begun++
	number := p.begun
	p.running[number] = cut
	return ctx, func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		delete(p.running, number)
		cut()
	}
}

// ruleFor returns the rule that applies to a request; an empty one if none does.
func (p *proxy) ruleFor(q request) *rule {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, r := range p.rules {
		if r.matches(q) && r.take() {
			return r
		}
	}
	return &rule{}
}

func (p *proxy) isKnown(r *http.Request) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") == p.token
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, end := p.begin(r.Context())
	defer end()
	r = r.WithContext(ctx)
	began := time.Now()
	e := &entry{Method: r.Method, URI: r.URL.RequestURI(), Protocol: r.Proto}
	defer func() {
		e.Millis = time.Since(began).Milliseconds()
		p.mutex.Lock()
		defer p.mutex.Unlock()
		if len(p.log) < maxLog {
			p.log = append(p.log, *e)
		}
	}()
	if !p.isKnown(r) {
		e.Rule = "token"
		refuse(w, e, &rule{Status: http.StatusUnauthorized})
		return
	}
	q := parseRequest(r)
	fault := p.ruleFor(q)
	e.Rule = fault.Name
	if fault.CloseAfter {
		w.Header().Set("Connection", "close") // with HTTP/2, Go makes a GOAWAY of it
	}
	select {
	case <-time.After(fault.delay):
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
	if fault.Status != 0 {
		refuse(w, e, fault)
		return
	}
	p.forward(w, r, q, fault, e)
}
