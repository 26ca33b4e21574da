# String functions with a value.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	x := input.object.x
	trim(x, "a") == "b"
	trim_left(x, "a") == "b"
	trim_right(x, "a") == "b"
	trim_prefix(x, "a") == "b"
	trim_suffix(x, "a") == "b"
	trim_space(x) == "b"
	substring(x, 1, 2) == "b"
	replace(x, "ab", "c") == "b"
	split(x, ":")[0] == "b"
}
