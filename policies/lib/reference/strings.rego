# Reference definition of the intrinsics `lower_ascii` and `contains_ignore_case`; the engine uses native code, and
# exported policies use CEL. The oracle tests hold all three equal.
#
# Case folding for ASCII only: `lower` of OPA folds Unicode, `lowerAscii` of CEL does not.
package lib.strings

import rego.v1

ascii_case := {
	"A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "F": "f", "G": "g", "H": "h", "I": "i",
	"J": "j", "K": "k", "L": "l", "M": "m", "N": "n", "O": "o", "P": "p", "Q": "q", "R": "r",
	"S": "s", "T": "t", "U": "u", "V": "v", "W": "w", "X": "x", "Y": "y", "Z": "z",
}

lower_ascii(string) := strings.replace_n(ascii_case, string)

contains_ignore_case(string, part) if contains(lower_ascii(string), lower_ascii(part))
