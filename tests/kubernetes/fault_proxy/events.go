package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

// passEvents passes a watch on, event by event.
func passEvents(w http.ResponseWriter, r *http.Request, body io.Reader, fault *rule, e *entry) {
	flush(w)
	reader := bufio.NewReaderSize(body, 1<<16)
	isDue := func(after *int) bool { return after != nil && e.Events >= *after }
	for {
		switch {
		case isDue(fault.CutAfter):
			passHalf(w, reader)
			breakOff(r)
		case isDue(fault.EndAfter):
			passHalf(w, reader)
			return
		case isDue(fault.HangAfter):
			hang(r)
			return
		case isDue(fault.GoneAfter):
			passError(w, status(http.StatusGone, "", "too old resource version: 1 (2)", 0))
			return
		case isDue(fault.FailAfter):
			passError(w, status(http.StatusInternalServerError, "", "", 0))
			return
		case isDue(fault.GarbageAfter):
			_, _ = io.WriteString(w, "{\"type\":\"MODIFIED\",\"object\":<html>\n")
			return
		}
		line, err := reader.ReadBytes('\n')
		isBookmark := bytes.HasPrefix(line, []byte(`{"type":"BOOKMARK"`))
		if len(line) > 0 && !(isBookmark && fault.NoBookmarks) {
			if !isBookmark {
				e.Events++
			}
			if _, err := w.Write(line); err != nil {
				return
			}
			if fault.Twice && !isBookmark {
				_, _ = w.Write(line)
			}
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

// passHalf passes on the beginning of the next event, if it has arrived.
func passHalf(w http.ResponseWriter, reader *bufio.Reader) {
	text, _ := reader.Peek(min(reader.Buffered(), 40))
	_, _ = w.Write(text)
	flush(w)
}

func passError(w http.ResponseWriter, object apiclient.Object) {
	text, _ := json.Marshal(object) // it is a map of texts
	_, _ = fmt.Fprintf(w, "{\"type\":\"ERROR\",\"object\":%s}\n", text)
}
