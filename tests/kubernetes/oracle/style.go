package main

import (
	"encoding/json"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// styleRequest asks how a set of modules, which may import each other, is to be
// formatted, and what the strict compiler reports about them.
type styleRequest struct {
	Modules map[string]string `json:"modules"` // {filename: source}
}

type styleAnswer struct {
	// Formatted holds the source of every module as `opa fmt` writes it.
	Formatted map[string]string `json:"formatted"`
	// Errors holds what `opa check --strict` reports, sorted.
	Errors []string `json:"errors"`
}

func answerStyle(line []byte) (any, error) {
	var request styleRequest
	if err := json.Unmarshal(line, &request); err != nil {
		return nil, err
	}
	answer := styleAnswer{Formatted: map[string]string{}, Errors: []string{}}
	for name, source := range request.Modules {
		formatted, err := format.SourceWithOpts(name, []byte(source), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			answer.Errors = append(answer.Errors, err.Error())
			continue
		}
		answer.Formatted[name] = string(formatted)
	}
	answer.Errors = append(answer.Errors, strictErrors(request.Modules)...)
	slices.Sort(answer.Errors)
	return answer, nil
}

// strictErrors returns what the compiler reports in strict mode: unused imports
// and arguments, shadowed imports, deprecated builtins.
func strictErrors(sources map[string]string) []string {
	modules := make(map[string]*ast.Module, len(sources))
	for name, source := range sources {
		module, err := ast.ParseModuleWithOpts(name, source, ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil || module == nil {
			continue // the formatter reports it
		}
		modules[name] = module
	}
	compiler := ast.NewCompiler().WithStrict(true).WithDefaultRegoVersion(ast.RegoV1)
	compiler.Compile(modules)
	messages := make([]string, 0, len(compiler.Errors))
	for _, problem := range compiler.Errors {
		messages = append(messages, problem.Error())
	}
	return messages
}
