package main

import (
	"slices"
	"strings"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
)

// pieceTime is how much longer a dispatch takes with one piece of a match condition than without it.
type pieceTime struct {
	Piece string `json:"piece"`
	Nanos int64  `json:"nanos"`
}

// piece is a part of a condition, and the condition with only this part, and with `false` instead.
type piece struct {
	text, with, without string
}

// piecesOf takes a condition apart at its conjunctions and disjunctions, in the comprehensions over
// lists with one element around them, which bind names.
func piecesOf(expression string) ([]piece, error) {
	env, err := celgo.NewEnv(celgo.OptionalTypes(), celgo.ClearMacros())
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	native := parsed.NativeRep()
	var pieces []piece
	var failed error
	unparse := func(e ast.Expr) string {
		text, err := parser.Unparse(e, native.SourceInfo())
		if err != nil {
			failed = err
		}
		return text
	}
	var split func(e ast.Expr, begin, end string)
	split = func(e ast.Expr, begin, end string) {
		call := e.AsCall() // empty for what is no call
		switch name := call.FunctionName(); {
		case name == operators.LogicalAnd || name == operators.LogicalOr:
			for _, operand := range call.Args() {
				split(operand, begin, end)
			}
		case name == operators.LogicalNot && isLogical(call.Args()[0]):
			split(call.Args()[0], begin, end)
		case name == "exists" && call.Target().AsList().Size() == 1 && isBinding(call.Args()[1]):
			list, variable := unparse(call.Target()), unparse(call.Args()[0])
			inner := begin + list + ".exists(" + variable + ", "
			pieces = append(pieces, piece{list, inner + "false)" + end, begin + "false" + end})
			split(call.Args()[1], inner, ")"+end)
		default:
			text := unparse(e)
			pieces = append(pieces, piece{text, begin + text + end, begin + "false" + end})
		}
	}
	split(native.Expr(), "", "")
	return pieces, failed
}

func isLogical(e ast.Expr) bool {
	name := e.AsCall().FunctionName()
	return name == operators.LogicalAnd || name == operators.LogicalOr
}

// isBinding is true for the body of a comprehension around the condition as a whole.
func isBinding(e ast.Expr) bool {
	return isLogical(e) || e.AsCall().FunctionName() == "exists"
}

// timePieces measures each piece of the first match condition: how much longer a dispatch takes than
// with `false` in its place. Pieces that another one guards are evaluated all the same.
func timePieces(definition *admissionregistrationv1.ValidatingAdmissionPolicy, object []byte, count int) ([]pieceTime, error) {
	pieces, err := piecesOf(definition.Spec.MatchConditions[0].Expression)
	if err != nil {
		return nil, err
	}
	known := map[string]int64{}
	time := func(expression string) (int64, error) {
		if least, ok := known[expression]; ok {
			return least, nil
		}
		changed := definition.DeepCopy()
		changed.Spec.MatchConditions = changed.Spec.MatchConditions[:1]
		changed.Spec.MatchConditions[0].Expression = "(" + expression + ") && false"
		changed.Spec.Variables, changed.Spec.Validations, changed.Spec.AuditAnnotations = nil, nil, nil
		hook, err := newHook(compilePolicy(changed), vapRequest{})
		if err != nil {
			return 0, err
		}
		hook.Evaluator = plainPolicy(changed)
		var taken policyTime
		err = taken.measure([]validating.PolicyHook{hook}, object, count, "")
		known[expression] = taken.Least
		return taken.Least, err
	}
	var times []pieceTime
	for _, p := range pieces {
		without, err := time(p.without)
		if err != nil {
			return nil, err
		}
		with, err := time(p.with)
		if err != nil {
			return nil, err
		}
		times = append(times, pieceTime{strings.Join(strings.Fields(p.text), " "), with - without})
	}
	slices.SortStableFunc(times, func(a, b pieceTime) int { return int(b.Nanos - a.Nanos) })
	return times, nil
}
