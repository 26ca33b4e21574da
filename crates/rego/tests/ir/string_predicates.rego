# Predicates of strings.
package controls.x1

import rego.v1

import data.lib.strings

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := input.object.x
	startswith(x, "a")
	endswith(x, "b")
	contains(x, "c")
	strings.contains_ignore_case(x, "d")
	strings.lower_ascii(x) == "abcd"
}
