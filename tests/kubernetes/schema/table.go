package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

type kindKey struct{ group, name, version string }

type kind struct {
	plural     string
	namespaced bool
	root       string
	seen       span
}

type object struct {
	openapi string
	fields  map[string]*field
	seen    span
}

type field struct {
	expression       string
	keys             []string
	values           []string
	required, always bool
	nullable, nulls  bool
	seen             span
}

// span is the first and the last minor version in which something was seen.
type span struct{ first, last int }

func (s *span) see(minor int) {
	if s.first == 0 {
		s.first = minor
	}
	s.last = minor
}

// table is all kinds and types, of one version or of several.
type table struct {
	kinds map[kindKey]*kind
	types map[string]*object
	seen  span
}

func newTable() *table {
	return &table{kinds: map[kindKey]*kind{}, types: map[string]*object{}}
}

// add takes in a newer version. Where versions differ in what a field is, the newest is right; it is said.
func (t *table) add(of *table, minor int) {
	t.seen.see(minor)
	for key, it := range of.kinds {
		if old := t.kinds[key]; old != nil {
			it.seen = old.seen
		}
		it.seen.see(minor)
		t.kinds[key] = it
	}
	for name, it := range of.types {
		old := t.types[name]
		if old == nil {
			old = &object{fields: map[string]*field{}}
			t.types[name] = old
		}
		old.openapi = it.openapi
		old.seen.see(minor)
		for key, now := range it.fields {
			if before := old.fields[key]; before != nil {
				now.seen = before.seen
				if before.expression != now.expression || before.required != now.required {
					fmt.Fprintf(os.Stderr, "1.%d: %s.%s: %s required=%t, was %s required=%t\n", minor, name, key,
						now.expression, now.required, before.expression, before.required)
				}
			}
			now.seen.see(minor)
			old.fields[key] = now
		}
	}
}

// chooseKinds keeps the stable versions of a kind, and of one that has none the newest beta.
func (t *table) chooseKinds() {
	newest := map[[2]string]string{}
	for key := range t.kinds {
		name := [2]string{key.group, key.name}
		if rank(key.version) > rank(newest[name]) {
			newest[name] = key.version
		}
	}
	for key := range t.kinds {
		best := newest[[2]string{key.group, key.name}]
		if rank(key.version) < stable && key.version != best || rank(best) < beta {
			delete(t.kinds, key)
		}
	}
}

const (
	beta   = 1_000
	stable = 1_000_000
)

var versionForm = regexp.MustCompile(`^v(\d+)(?:(alpha|beta)(\d+))?$`)

// rank orders API versions: v2, v1, v1beta2, v1beta1, alphas.
func rank(version string) int {
	found := versionForm.FindStringSubmatch(version)
	if found == nil {
		return 0
	}
	major, _ := strconv.Atoi(found[1])
	minor, _ := strconv.Atoi(found[3])
	switch found[2] {
	case "":
		return stable + major
	case "beta":
		return beta * (10*major + minor)
	}
	return minor
}

// dropUnreached keeps the types that an object of some kind may hold.
func (t *table) dropUnreached() {
	reached := map[string]bool{}
	var todo []string
	for _, it := range t.kinds {
		todo = append(todo, it.root)
	}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if t.types[name] == nil || reached[name] {
			continue
		}
		reached[name] = true
		for _, it := range t.types[name].fields {
			todo = append(todo, strings.Trim(it.expression, "[]{}"))
		}
	}
	maps.DeleteFunc(t.types, func(name string, _ *object) bool { return !reached[name] })
}

const head = `# The types of Kubernetes' built-in kinds. Made by tests/kubernetes/schema: do not edit.
#
# kind GROUP/VERSION KIND PLURAL namespaced|cluster = TYPE     a kind of the core group has no GROUP/
# type TYPE                                                    its fields follow
#   FIELD EXPRESSION MARKS
#
# Expressions: string bool int32 int64 number quantity intOrString time bytes any, [T] a list, {T} a map, a TYPE.
# Marks: required by the newest version's OpenAPI; always: absent or null, it is its zero value at admission; nullable:
# absent or null, it may be null at admission (without either mark it is absent there); nulls: a null within the list or
# map stays one; keys= of a list that is a map; @N since 1.N, -N until 1.N, where that is not all that the table covers, or
# that its type is in; enum= to the line's end, of a string, or of a list's strings ("" is the empty one).
`

func (t *table) write(out io.Writer) {
	fmt.Fprint(out, head)
	fmt.Fprintf(out, "versions 1.%d 1.%d\n\n", t.seen.first, t.seen.last)
	keys := slices.Collect(maps.Keys(t.kinds))
	sort.Slice(keys, func(i, j int) bool {
		a, b := keys[i], keys[j]
		return slices.Compare([]string{a.group, a.name, a.version}, []string{b.group, b.name, b.version}) < 0
	})
	for _, key := range keys {
		it := t.kinds[key]
		version, scope := key.version, "cluster"
		if key.group != "" {
			version = key.group + "/" + key.version
		}
		if it.namespaced {
			scope = "namespaced"
		}
		fmt.Fprintf(out, "kind %s %s %s %s = %s%s\n", version, key.name, it.plural, scope, it.root, it.seen.marks(t.seen))
	}
	for _, name := range slices.Sorted(maps.Keys(t.types)) {
		it := t.types[name]
		fmt.Fprintf(out, "\ntype %s%s\n", name, it.seen.marks(t.seen))
		for _, key := range slices.Sorted(maps.Keys(it.fields)) {
			fmt.Fprintf(out, "  %s %s\n", key, it.fields[key].line(it.seen))
		}
	}
}

func (f *field) line(all span) string {
	text := f.expression
	for _, mark := range []struct {
		set  bool
		word string
	}{{f.required, "required"}, {f.always, "always"}, {f.nullable, "nullable"}, {f.nulls, "nulls"}} {
		if mark.set {
			text += " " + mark.word
		}
	}
	if len(f.keys) > 0 {
		text += " keys=" + strings.Join(f.keys, ",")
	}
	text += f.seen.marks(all)
	if len(f.values) > 0 {
		text += " enum=" + strings.Join(f.values, ",")
	}
	return text
}

func (s span) marks(all span) string {
	text := ""
	if s.first > all.first {
		text += fmt.Sprintf(" @%d", s.first)
	}
	if s.last < all.last {
		text += fmt.Sprintf(" -%d", s.last)
	}
	return text
}
