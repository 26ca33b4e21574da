package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
)

// policyTime is what one policy takes for the object, or all of them.
type policyTime struct {
	Policy string `json:"policy"`
	// Nanos are the least and the median time of a dispatch over this policy alone.
	Least  int64 `json:"least"`
	Median int64 `json:"median"`
	// MatchCost and Cost are what the server counts for its matchConditions, and for its validations.
	MatchCost int64 `json:"matchCost"`
	Cost      int64 `json:"cost"`
}

// benchPolicies times the server's dispatcher over the policies of a YAML file, for one object:
// over all policies together, and over each that the object matches. PROFILE, if given, becomes a
// CPU profile of the first.
func benchPolicies(arguments []string, out io.Writer) error {
	if len(arguments) < 3 {
		return errors.New("write POLICIES.yaml OBJECT.json COUNT [PROFILE]")
	}
	count, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	object, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	definitions, err := readPolicies(arguments[0])
	if err != nil {
		return err
	}
	var all []validating.PolicyHook
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for _, definition := range definitions {
		policy := compilePolicy(definition)
		request := vapRequest{Object: object}
		hook, err := newHook(policy, request)
		if err != nil {
			return err
		}
		attributes, err := newAttributes(request)
		if err != nil {
			return err
		}
		answer, err := admit(hook, policy, attributes, nil)
		if err != nil {
			return err
		}
		hook.Evaluator = plainPolicy(definition)
		all = append(all, hook)
		if !answer.Reached {
			continue
		}
		taken := policyTime{Policy: definition.Name, MatchCost: answer.MatchCost}
		for _, decision := range answer.Decisions {
			if decision.Cost != nil {
				taken.Cost += *decision.Cost
			}
		}
		if err := taken.measure([]validating.PolicyHook{hook}, object, count, ""); err != nil {
			return err
		}
		if err := answers.Encode(taken); err != nil {
			return err
		}
		if len(arguments) > 3 && arguments[3] == "pieces" && len(definition.Spec.MatchConditions) > 0 {
			pieces, err := timePieces(definition, object, count)
			if err != nil {
				return err
			}
			for _, piece := range pieces {
				if err := answers.Encode(piece); err != nil {
					return err
				}
			}
		}
	}
	profile := ""
	if len(arguments) > 3 && arguments[3] != "pieces" {
		profile = arguments[3]
	}
	together := policyTime{Policy: fmt.Sprintf("all %d", len(all))}
	if err := together.measure(all, object, count, profile); err != nil {
		return err
	}
	return answers.Encode(together)
}

// measure dispatches the object so many times. Denials are ignored.
func (t *policyTime) measure(hooks []validating.PolicyHook, object []byte, count int, profile string) error {
	attributes, err := newAttributes(vapRequest{Object: object})
	if err != nil {
		return err
	}
	if profile != "" {
		file, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	namespaces := oneNamespace{namespace: completeNamespace(nil, attributes.GetNamespace())}
	dispatcher := validating.NewDispatcher(noOpinion{}, generic.NewPolicyMatcher(matching.NewMatcher(namespaces, nil)))
	nanos := make([]int64, 0, count)
	for range count {
		begin := time.Now()
		_ = dispatcher.Dispatch(context.Background(), attributes, objectInterfaces, hooks)
		nanos = append(nanos, time.Since(begin).Nanoseconds())
	}
	slices.Sort(nanos)
	t.Least, t.Median = nanos[0], nanos[len(nanos)/2]
	return nil
}

// readPolicies reads the ValidatingAdmissionPolicies of a YAML file, and skips its other objects.
func readPolicies(file string) ([]*admissionregistrationv1.ValidatingAdmissionPolicy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var definitions []*admissionregistrationv1.ValidatingAdmissionPolicy
	for documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var raw json.RawMessage
		if err := documents.Decode(&raw); errors.Is(err, io.EOF) {
			return definitions, nil
		} else if err != nil {
			return nil, err
		}
		var kind struct{ Kind string }
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, err
		}
		if kind.Kind != "ValidatingAdmissionPolicy" {
			continue
		}
		definition, err := decodePolicy(raw)
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, definition)
	}
}
