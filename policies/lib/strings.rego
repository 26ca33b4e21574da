# Case folding that means the same in OPA, in CEL and here: ASCII only (OPA's own `lower` is Unicode, CEL's is not).
package lib.strings

import rego.v1

ascii_case := {
	"A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "F": "f", "G": "g", "H": "h", "I": "i",
	"J": "j", "K": "k", "L": "l", "M": "m", "N": "n", "O": "o", "P": "p", "Q": "q", "R": "r",
	"S": "s", "T": "t", "U": "u", "V": "v", "W": "w", "X": "x", "Y": "y", "Z": "z",
}

lower_ascii(text) := strings.replace_n(ascii_case, text)

contains_ignore_case(text, part) if contains(lower_ascii(text), lower_ascii(part))
