package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// yamlDocument is one document of a stream: its JSON, or why it has none. Rest
// says that go-yaml stopped before the end of the piece: what follows is lost.
type yamlDocument struct {
	JSON  json.RawMessage `json:"json,omitempty"`
	Error string          `json:"error,omitempty"`
	Rest  bool            `json:"rest,omitempty"`
}

// answerYAML converts each document of a YAML stream to JSON as kubectl does:
// the stream is cut at its separators, then sigs.k8s.io/yaml reads each piece,
// of which go-yaml takes the first document only.
//
// With "stream", the text is read as kubectl reads a file: as JSON where it
// begins with a brace, with a change to YAML where that fails. The first error
// then ends the stream.
func answerYAML(request []byte) (any, error) {
	var question struct {
		Text   string `json:"text"`
		Stream bool   `json:"stream"`
	}
	if err := json.Unmarshal(request, &question); err != nil {
		return nil, err
	}
	read := readPieces
	if question.Stream {
		read = readStream
	}
	return map[string]any{"documents": read(question.Text)}, nil
}

func readPieces(text string) []yamlDocument {
	documents := []yamlDocument{}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		piece, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents
		}
		if err != nil {
			// A malformed separator. The reader has consumed that line and goes on.
			documents = append(documents, yamlDocument{Error: err.Error()})
			continue
		}
		documents = append(documents, convert(piece))
	}
}

// convert reads one document. go-yaml panics on some broken texts.
func convert(piece []byte) (document yamlDocument) {
	defer func() {
		if cause := recover(); cause != nil {
			document = yamlDocument{Error: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	body, err := yaml.YAMLToJSON(piece)
	if err != nil {
		return yamlDocument{Error: err.Error()}
	}
	return yamlDocument{JSON: body, Rest: hasRest(piece)}
}

// hasRest tells whether anything, even if broken, follows the first document.
func hasRest(piece []byte) bool {
	decoder := goyaml.NewDecoder(bytes.NewReader(piece))
	var ignored any
	if err := decoder.Decode(&ignored); err != nil {
		return false
	}
	return !errors.Is(decoder.Decode(&ignored), io.EOF)
}

func readStream(text string) []yamlDocument {
	documents := []yamlDocument{}
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096)
	for {
		var body json.RawMessage
		err := decoder.Decode(&body)
		if errors.Is(err, io.EOF) {
			return documents
		}
		if err != nil {
			return append(documents, yamlDocument{Error: err.Error()})
		}
		if len(body) == 0 {
			body = json.RawMessage("null")
		}
		documents = append(documents, yamlDocument{JSON: body})
	}
}
