package main

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// forward sends a request to the API server and passes its answer on, with the faults of a rule.
func (p *proxy) forward(w http.ResponseWriter, r *http.Request, q request, fault *rule, e *entry) {
	key := r.Method + r.URL.RequestURI() + r.Header.Get("Accept")
	if fault.Replay && p.replayOld(w, key, e) {
		return
	}
	query := r.URL.Query()
	if fault.SetVersion != "" {
		query.Set("resourceVersion", fault.SetVersion)
	}
	if token := query.Get("continue"); fault.ExpireContinue && token != "" && !isInconsistent(token) {
		refuseToken(w, e, token)
		return
	}
	target := *r.URL
	target.RawQuery = query.Encode()
	sent, err := http.NewRequestWithContext(r.Context(), r.Method, p.upstream.Server+target.RequestURI(), r.Body)
	if err != nil {
		refuse(w, e, &rule{Status: http.StatusBadRequest, Message: err.Error()})
		return
	}
	sent.Header = r.Header.Clone()
	sent.Header.Set("Authorization", "Bearer "+p.upstream.Token)
	if fault.changesBody() || sent.Header.Get("Accept-Encoding") == "" {
		sent.Header.Set("Accept-Encoding", "identity") // Go would ask for gzip and decode it
	}
	response, err := p.upstream.HTTP.Do(sent)
	switch {
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	case err != nil:
		refuse(w, e, &rule{Status: http.StatusServiceUnavailable, Message: err.Error()})
		return
	}
	defer response.Body.Close()
	copyHeader(w, response.Header)
	if fault.changesBody() {
		w.Header().Del("Content-Length")
	}
	e.Code = response.StatusCode
	isJSON := strings.HasPrefix(response.Header.Get("Content-Type"), "application/json")
	switch {
	case fault.Replay:
		body, err := io.ReadAll(response.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		p.mutex.Lock()
		p.replays[key] = &replay{response.StatusCode, response.Header, body}
		p.mutex.Unlock()
		w.WriteHeader(response.StatusCode)
		_, _ = w.Write(body) // the client has gone
	case q.verb == "watch" && response.StatusCode == http.StatusOK && isJSON:
		w.WriteHeader(response.StatusCode)
		passEvents(w, r, response.Body, fault, e)
	default:
		w.WriteHeader(response.StatusCode)
		passBytes(w, r, response.Body, fault)
	}
}

// replayOld gives the answer that was given before, if there is one.
func (p *proxy) replayOld(w http.ResponseWriter, key string, e *entry) bool {
	p.mutex.Lock()
	old := p.replays[key]
	p.mutex.Unlock()
	if old == nil {
		return false
	}
	copyHeader(w, old.header)
	e.Code = old.code
	w.WriteHeader(old.code)
	_, _ = w.Write(old.body) // the client has gone
	return true
}

func copyHeader(w http.ResponseWriter, from http.Header) {
	for name, values := range from {
		if name != "Connection" {
			w.Header()[name] = values
		}
	}
}

// passBytes passes a body on in pieces of 16 KiB, and stops where the rule says so.
func passBytes(w http.ResponseWriter, r *http.Request, body io.Reader, fault *rule) {
	buffer := make([]byte, 16<<10)
	for sent := 0; ; {
		n, err := body.Read(buffer)
		for _, end := range []struct {
			after *int
			stop  func(*http.Request)
		}{{fault.CutAfter, breakOff}, {fault.EndAfter, endInOrder}, {fault.HangAfter, hang}} {
			if end.after != nil && sent+n >= *end.after {
				_, _ = w.Write(buffer[:max(0, *end.after-sent)])
				flush(w)
				end.stop(r)
				return
			}
		}
		if _, err := w.Write(buffer[:n]); err != nil {
			return
		}
		sent += n
		if fault.pace > 0 {
			flush(w)
			time.Sleep(fault.pace)
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// breakOff breaks the connection.
func breakOff(*http.Request) { panic(http.ErrAbortHandler) }

// endInOrder lets the body end as if it were complete.
func endInOrder(*http.Request) {}

// hang waits until the client has given up.
func hang(r *http.Request) { <-r.Context().Done() }

func flush(w http.ResponseWriter) { w.(http.Flusher).Flush() }
