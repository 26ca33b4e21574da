package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// prepareRequest gives once what many judge requests share.
type prepareRequest struct {
	Modules  json.RawMessage            `json:"modules"`  // {filename: source}
	Params   json.RawMessage            `json:"params"`   // what rules see as input.params
	Queries  map[string]string          `json:"queries"`  // {name: query}
	Policies map[string]json.RawMessage `json:"policies"` // {name: ValidatingAdmissionPolicy}
}

type prepareAnswer struct {
	Prepared int `json:"prepared"`
}

type judgeRequest struct {
	Object    json.RawMessage     `json:"object"`
	Operation admission.Operation `json:"operation"` // default: CREATE
	Rego      []reference         `json:"rego"`      // queries
	CEL       []reference         `json:"cel"`       // policies
}

// reference is [number of the preparation, name in it].
type reference struct {
	made *preparation
	name string
}

func (r *reference) UnmarshalJSON(raw []byte) error {
	var pair [2]json.RawMessage
	var number int
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if err := json.Unmarshal(pair[0], &number); err != nil {
		return err
	}
	if number < 0 || number >= len(preparations) {
		return fmt.Errorf("nothing was prepared as %d", number)
	}
	r.made = preparations[number]
	return json.Unmarshal(pair[1], &r.name)
}

type judgeAnswer struct {
	Rego []any `json:"rego,omitempty"`
	CEL  []any `json:"cel,omitempty"`
	// Invalid says why an API server would not hand the object to admission.
	Invalid string `json:"invalid,omitempty"`
}

type celVerdict struct {
	Denied  bool   `json:"denied"`
	Message string `json:"message,omitempty"`
	Error   string `json:"error,omitempty"`
}

// preparation is what a prepare request became. It is only read once made, so
// judge requests use it side by side.
type preparation struct {
	params   *ast.Term
	queries  map[string]rego.PreparedEvalQuery
	policies map[string]validating.Validator
}

var (
	preparations  []*preparation
	sharedQueries = cache[rego.PreparedEvalQuery]{}
	compilations  = cache[*ast.Compiler]{}
	builtinScheme = newBuiltinScheme()
	strictDecoder = serializer.NewCodecFactory(builtinScheme, serializer.EnableStrict).UniversalDeserializer()
)

// newBuiltinScheme has the kinds of every API server: those of client-go, and two that are not part of its scheme.
func newBuiltinScheme() *runtime.Scheme {
	builtin := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme,
	} {
		if err := add(builtin); err != nil {
			panic(err)
		}
	}
	return builtin
}

// answerPrepare is never run beside another request.
func answerPrepare(line []byte) (any, error) {
	var request prepareRequest
	if err := json.Unmarshal(line, &request); err != nil {
		return nil, err
	}
	made := &preparation{
		queries:  map[string]rego.PreparedEvalQuery{},
		policies: map[string]validating.Validator{},
	}
	params, err := valueOf(request.Params)
	if err != nil {
		return nil, fmt.Errorf("params: %w", err)
	}
	made.params = params
	if len(request.Queries) > 0 {
		compiler, err := compilations.getOrMake(func() (*ast.Compiler, error) {
			var sources map[string]string
			if err := json.Unmarshal(request.Modules, &sources); err != nil {
				return nil, fmt.Errorf("modules: %w", err)
			}
			compiler, _, err := compileAs(sources, ast.RegoV1)
			return compiler, err
		}, request.Modules)
		if err != nil {
			return nil, err
		}
		store := inmem.New()
		for name, query := range request.Queries {
			// The queries do not depend on the params: other preparations use them too.
			prepared, err := sharedQueries.getOrMake(func() (rego.PreparedEvalQuery, error) {
				return rego.New(
					rego.Query(query), rego.SetRegoVersion(ast.RegoV1), rego.Compiler(compiler), rego.Store(store),
					rego.StrictBuiltinErrors(false), rego.Capabilities(offline()), rego.GenerateJSON(sortedJSON),
				).PrepareForEval(context.Background())
			}, request.Modules, []byte(query))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			made.queries[name] = prepared
		}
	}
	for name, raw := range request.Policies {
		definition, err := decodePolicy(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		validator, err := plainValidator(definition)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made.policies[name] = validator
	}
	preparations = append(preparations, made)
	return prepareAnswer{len(preparations) - 1}, nil
}

// answerJudge may run beside other judge requests.
func answerJudge(line []byte) (any, error) {
	var request judgeRequest
	if err := json.Unmarshal(line, &request); err != nil {
		return nil, err
	}
	if request.Operation == "" {
		request.Operation = admission.Create
	}
	answer := &judgeAnswer{}
	if len(request.Rego) > 0 {
		if err := askRego(request, answer); err != nil {
			return nil, err
		}
	}
	if len(request.CEL) > 0 {
		if err := askCEL(request, answer); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// askRego asks all queries about one input.
func askRego(request judgeRequest, answer *judgeAnswer) error {
	object, err := valueOf(request.Object)
	if err != nil {
		return fmt.Errorf("object: %w", err)
	}
	var input ast.Object
	var params *ast.Term
	for _, asked := range request.Rego {
		query, ok := asked.made.queries[asked.name]
		if !ok {
			return fmt.Errorf("no query %q was prepared", asked.name)
		}
		if params != asked.made.params {
			params = asked.made.params
			input = ast.NewObject(
				[2]*ast.Term{ast.StringTerm("object"), object},
				[2]*ast.Term{ast.StringTerm("params"), params},
				[2]*ast.Term{ast.StringTerm("request"), ast.ObjectTerm(
					[2]*ast.Term{ast.StringTerm("operation"), ast.StringTerm(string(request.Operation))},
				)},
			)
		}
		// Each query has an error of its own, so that one control at fault hides no other.
		solutions, err := query.Eval(context.Background(), rego.EvalParsedInput(input))
		var one any
		if err == nil {
			one, err = onlySolution(solutions)
		}
		if err != nil {
			one = map[string]string{"error": err.Error()}
		}
		answer.Rego = append(answer.Rego, one)
	}
	return nil
}

// askCEL asks all policies about one object, decoded and converted once. What
// the server does before (matching, bindings) is left out.
func askCEL(request judgeRequest, answer *judgeAnswer) error {
	attributes, invalid := strictAttributes(request)
	if invalid != nil {
		answer.Invalid = invalid.Error()
		return nil
	}
	for _, asked := range request.CEL {
		policy, ok := asked.made.policies[asked.name]
		if !ok {
			return fmt.Errorf("no policy %q was prepared", asked.name)
		}
		result := policy.Validate(context.Background(), attributes.GetResource(), attributes, nil,
			completeNamespace(nil, attributes.GetNamespace()), celconfig.RuntimeCELCostBudget, noOpinion{})
		answer.CEL = append(answer.CEL, verdictOf(result))
	}
	return nil
}

func verdictOf(result validating.ValidateResult) celVerdict {
	verdict := celVerdict{}
	for _, decision := range result.Decisions {
		switch {
		case decision.Evaluation == validating.EvalError:
			verdict.Error = decision.Message
		case decision.Action == validating.ActionDeny:
			verdict.Denied, verdict.Message = true, decision.Message
		}
	}
	return verdict
}

// strictAttributes reads the object as the server does and refuses what the
// server would warn of or refuse: unknown and duplicate fields, wrong types.
func strictAttributes(request judgeRequest) (*admission.VersionedAttributes, error) {
	object, _, err := strictDecoder.Decode(request.Object, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		// A kind or version that a built-in group lacks is not served; other groups may have any.
		notRegistered := err
		if object, err = decodeUnstructured(request.Object); err == nil && isBuiltIn(object) {
			err = notRegistered
		}
	}
	if err != nil {
		return nil, err
	}
	gvk := object.GetObjectKind().GroupVersionKind()
	metadata := metadataOf(object)
	found, ok := knownResources.Load(gvk)
	if !ok {
		gvr, namespaced := resourceOf(gvk, metadata)
		found = resource{gvr, namespaced}
		if isBuiltIn(object) { // of others, whether they are namespaced is guessed from the object
			knownResources.Store(gvk, found)
		}
	}
	gvr, namespaced := found.(resource).gvr, found.(resource).namespaced
	namespace := requestNamespace(vapRequest{}, gvk, namespaced, request.Operation, metadata)
	if namespaced {
		setNamespace(namespace, object)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	seen := &unstructured.Unstructured{Object: content}
	seen.SetGroupVersionKind(gvk)
	return &admission.VersionedAttributes{
		Attributes: admission.NewAttributesRecord(seen, nil, gvk, namespace, metadata.GetName(), gvr, "",
			request.Operation, operationOptions(request.Operation), false, requestUser(vapRequest{}.UserInfo)),
		VersionedKind:   gvk,
		VersionedObject: seen,
	}, nil
}

// knownResources keeps what resourceOf found by asking every group.
var knownResources sync.Map // schema.GroupVersionKind → resource

type resource struct {
	gvr        schema.GroupVersionResource
	namespaced bool
}

func isBuiltIn(object runtime.Object) bool {
	return builtinScheme.IsGroupRegistered(object.GetObjectKind().GroupVersionKind().Group)
}

// plainValidator is the server's own, without the meters of the vap op, which
// are not made for requests side by side.
func plainValidator(definition *admissionregistrationv1.ValidatingAdmissionPolicy) (validating.Validator, error) {
	spec := definition.Spec
	if spec.ParamKind != nil || len(spec.MatchConditions) > 0 {
		return nil, errors.New("a policy with paramKind or matchConditions is asked with op vap")
	}
	return plainPolicy(definition), nil
}

func valueOf(raw json.RawMessage) (*ast.Term, error) {
	if len(raw) == 0 {
		return ast.ObjectTerm(), nil
	}
	value, err := ast.ValueFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return ast.NewTerm(value), nil
}

// sideBySide are the ops whose requests are answered on all cores.
var sideBySide = map[string]bool{"judge": true}

// pool bounds how many requests are worked on at once, and lets a request that
// must be alone wait for all before it.
type pool struct {
	seats   chan struct{}
	running sync.WaitGroup
}

func newPool(size int) *pool { return &pool{seats: make(chan struct{}, size)} }

// run gives the work to a goroutine, or does it itself once all others ended.
func (p *pool) run(beside bool, work func()) {
	if !beside {
		p.running.Wait()
		work()
		return
	}
	p.seats <- struct{}{}
	p.running.Add(1)
	go func() {
		defer func() { <-p.seats; p.running.Done() }()
		work()
	}()
}
