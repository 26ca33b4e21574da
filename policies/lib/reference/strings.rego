# Reference definition of the intrinsics `lower_ascii`, `contains_ignore_case`, `words`, `join`, `last_between` and
# `matches_except`; the engine uses native code, and exported policies use CEL. The oracle tests hold all three equal.
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

# The words of a name in lowercase, with "_" around each: "_db_password_" for "DB_PASSWORD", "dbPassword" and
# "db.password2". A capital before or after a small letter starts a word; whatever is no letter separates words.
words(name) := lower_ascii(replace(replace(joined, "__", "_"), "__", "_")) if {
	parts := [part |
		some piece in regex.find_n("[A-Z]?[a-z]+|[A-Z]|[^A-Za-z]+", name, -1)
		part := word_part(piece)
	]
	joined := sprintf("_%s_", [concat("", parts)])
}

word_part(piece) := sprintf("_%s_", [piece]) if regex.match("[a-z]", piece)

word_part(piece) := piece if regex.match("^[A-Z]$", piece)

word_part(piece) := "_" if regex.match("^[^A-Za-z]+$", piece)

# The elements of a list with a separator between them; "" for an element that is no string, and for what is no list.
join(list, separator) := concat(separator, [text(element) | some element in list]) if is_array(list)

else := ""

text(element) := element if is_string(element)

else := ""

# What follows the last `open`, up to the next `close` or the end; "" without an `open`.
last_between(string, open, close) := split(substring(string, at + count(open), -1), close)[0] if {
	contains(string, open)
	at := max(indexof_n(string, open))
}

else := "" if {
	is_string(string)
	is_string(open)
	is_string(close)
}

# Some match of a pattern is not matched by another: what RE2 has no lookahead for.
matches_except(pattern, exception, string) if {
	some found in regex.find_n(pattern, string, -1)
	not regex.match(exception, found)
}
