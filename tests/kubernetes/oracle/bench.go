package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// benchSetUp is the file that `oracle bench FILE` is given: the rules, the one
// query that asks them all for a list of sets, and the input without the object.
type benchSetUp struct {
	Modules json.RawMessage `json:"modules"`
	Query   string          `json:"query"`
	Input   json.RawMessage `json:"input"`
}

type benchAnswer struct {
	Failing int     `json:"failing"` // sets that are not empty
	Nanos   []int64 `json:"nanos"`
}

// bench times a prepared query. It says in a first line that it is ready; then a
// line `COUNT PATH` is answered with the times of so many evaluations, each from
// the object's bytes on. What objects share (params, request) is read once.
func bench(file string, in io.Reader, out io.Writer) error {
	answers := json.NewEncoder(out)
	query, rest, err := benchPrepare(file)
	if err != nil {
		return answers.Encode(map[string]string{"error": err.Error()})
	}
	if err := answers.Encode(struct{}{}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		answer, err := benchTurn(query, rest, lines.Text())
		if err != nil {
			err = answers.Encode(map[string]string{"error": err.Error()})
		} else {
			err = answers.Encode(answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func benchPrepare(file string) (query rego.PreparedEvalQuery, rest ast.Object, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return query, nil, err
	}
	var setUp benchSetUp
	if err := json.Unmarshal(text, &setUp); err != nil {
		return query, nil, err
	}
	input, err := ast.ValueFromReader(bytes.NewReader(setUp.Input))
	if err != nil {
		return query, nil, err
	}
	rest, ok := input.(ast.Object)
	if !ok {
		return query, nil, fmt.Errorf("the input is no object")
	}
	query, err = prepareQuery(regoRequest{Modules: setUp.Modules, Query: setUp.Query, RegoVersion: "v1"})
	return query, rest, err
}

func benchTurn(query rego.PreparedEvalQuery, rest ast.Object, line string) (*benchAnswer, error) {
	number, path, _ := strings.Cut(line, " ")
	count, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("write COUNT PATH: %w", err)
	}
	object, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	answer := &benchAnswer{Nanos: make([]int64, 0, count)}
	for range count {
		begin := time.Now()
		solutions, err := benchOnce(query, rest, object)
		if err != nil {
			return nil, err
		}
		answer.Nanos = append(answer.Nanos, time.Since(begin).Nanoseconds())
		if answer.Failing, err = benchFailing(solutions); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func benchOnce(query rego.PreparedEvalQuery, rest ast.Object, object []byte) (rego.ResultSet, error) {
	value, err := ast.ValueFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	input := ast.NewObject(ast.Item(ast.StringTerm("object"), ast.NewTerm(value)))
	rest.Foreach(func(key, value *ast.Term) { input.Insert(key, value) })
	return query.Eval(context.Background(), rego.EvalParsedInput(input))
}

func benchFailing(solutions rego.ResultSet) (int, error) {
	if len(solutions) != 1 || len(solutions[0].Expressions) != 1 {
		return 0, fmt.Errorf("the query has %d solutions, not one", len(solutions))
	}
	sets, ok := solutions[0].Expressions[0].Value.([]any)
	if !ok {
		return 0, fmt.Errorf("the query gives no list")
	}
	failing := 0
	for _, set := range sets {
		if found, ok := set.([]any); !ok {
			return 0, fmt.Errorf("the query gives a list of something else than sets")
		} else if len(found) > 0 {
			failing++
		}
	}
	return failing, nil
}
