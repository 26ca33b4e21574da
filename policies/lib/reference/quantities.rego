# Reference definition of the intrinsics `is_quantity`, `less` and `is_positive`; the engine uses native code, and exported
# policies use CEL. The oracle tests hold all three equal.
#
# Resource quantities, compared as Kubernetes compares them: exactly, after rounding away from zero to a billionth.
# A quantity is a string (500m, 1.5Gi, 1e3) or a number as in YAML. For a value that Kubernetes cannot parse, is_quantity
# and every comparison are false.
package lib.quantities

import rego.v1

is_quantity(value) if parse(value)

# a < b
less(a, b) if {
	low := parse(a)
	high := parse(b)
	below(low, high)
}

below(low, high) if low.sign < high.sign

below(low, high) if {
	low.sign == 1
	high.sign == 1
	smaller(low, high)
}

below(low, high) if {
	low.sign == -1
	high.sign == -1
	smaller(high, low)
}

# Greater than zero. The common spellings need no arithmetic.
is_positive(value) if regex.match(`^[1-9][0-9]{0,8}([mkMGT]|[KMGT]i)?$`, value)

else if parse(value).sign == 1

# A parsed quantity is its sign, the power of ten of its first digit (`lead`), and its digits without leading and trailing
# zeros. So quantities of any length and exponent compare without padding.

smaller(x, y) if x.lead < y.lead

smaller(x, y) if {
	x.lead == y.lead
	x.digits < y.digits
}

string_of(value) := trim(value, " ") if is_string(value)

else := json.marshal(value) if is_number(value)

grammar := `^([+-]?)([0-9]*)((?:\.[0-9]*)?)((?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?)$`

suffixes := {
	"n": {"base": 10, "exponent": -9},
	"u": {"base": 10, "exponent": -6},
	"m": {"base": 10, "exponent": -3},
	"": {"base": 10, "exponent": 0},
	"k": {"base": 10, "exponent": 3},
	"M": {"base": 10, "exponent": 6},
	"G": {"base": 10, "exponent": 9},
	"T": {"base": 10, "exponent": 12},
	"P": {"base": 10, "exponent": 15},
	"E": {"base": 10, "exponent": 18},
	"Ki": {"base": 2, "exponent": 10, "factor": 1024},
	"Mi": {"base": 2, "exponent": 20, "factor": 1048576},
	"Gi": {"base": 2, "exponent": 30, "factor": 1073741824},
	"Ti": {"base": 2, "exponent": 40, "factor": 1099511627776},
	"Pi": {"base": 2, "exponent": 50, "factor": 1125899906842624},
	"Ei": {"base": 2, "exponent": 60, "factor": 1152921504606846976},
}

scale_of(suffix) := suffixes[suffix] if suffixes[suffix]

else := {"base": 10, "exponent": integer_of(substring(suffix, 1, -1))}

# A decimal exponent. One of ten digits or more overflows in Kubernetes, so the value is not a quantity.
integer_of(digits) := 0 - natural_of(substring(digits, 1, -1)) if startswith(digits, "-")

else := natural_of(trim_prefix(digits, "+"))

natural_of(digits) := to_number(or_zero(trim_left(digits, "0"))) if count(trim_left(digits, "0")) < 10

or_zero(digits) := "0" if digits == ""

else := digits

parse(value) := result if {
	string := string_of(value)
	string != ""
	groups := regex.find_all_string_submatch_n(grammar, string, 1)[0]
	scale := scale_of(groups[4])
	fraction := trim_prefix(groups[3], ".")
	has_number(concat("", [groups[2], fraction]), scale)
	kept := kept_of(fraction, scale)
	scaled := multiplied(trim_left(concat("", [groups[2], kept]), "0"), scale)
	lead := ((count(scaled) - 1) + shift_of(scale)) - count(kept)
	result := signed(groups[1], capped(rounded(trim_right(scaled, "0"), lead), scale))
}

# Kubernetes parses "m" and "." as zero: it reads sign, digits and suffix without requiring a digit. Only its slow path,
# for values that do not fit 64 bits, requires one.
has_number(digits, _) if digits != ""

has_number(_, scale) if {
	scale.base == 2
	scale.exponent <= 40
}

has_number(_, scale) if {
	scale.base == 10
	scale.exponent >= -9
}

# The digits of a fraction that matter: with a binary suffix the first fifty; a 1 in place of the others makes the
# result round up.
kept_of(fraction, scale) := concat("", [substring(fraction, 0, 50), "1"]) if {
	scale.base == 2
	count(trim_right(fraction, "0")) > 50
}

else := trim_right(fraction, "0")

multiplied(digits, scale) := digits if scale.base == 10

else := sprintf("%d", [natural(digits) * scale.factor]) if count(digits) <= 72

else := digits

# The number of up to 72 digits, from parts of 18: an engine may read a longer string as a float.
natural(digits) := (((((part(padded, 0) * part_size) + part(padded, 18)) * part_size) + part(padded, 36)) * part_size) + part(padded, 54) if {
	padded := concat("", [substring(zeros, 0, 72 - count(digits)), digits])
}

part(padded, at) := to_number(or_zero(trim_left(substring(padded, at, 18), "0")))

part_size := 1000000000000000000

zeros := "000000000000000000000000000000000000000000000000000000000000000000000000"

shift_of(scale) := scale.exponent if scale.base == 10

else := 0

# Rounds away from zero to a billionth; zero stays zero, whatever its exponent.
rounded(digits, lead) := {"digits": digits, "lead": lead} if digits == ""

else := {"digits": digits, "lead": lead} if count(digits) <= lead + 10

else := {"digits": "1", "lead": -9} if lead + 10 <= 0

else := incremented(trim_right(substring(digits, 0, lead + 10), "9"), lead)

successors := {"0": "1", "1": "2", "2": "3", "3": "4", "4": "5", "5": "6", "6": "7", "7": "8", "8": "9"}

incremented(digits, lead) := {"digits": "1", "lead": lead + 1} if digits == ""

else := {"digits": concat("", [substring(digits, 0, last), successors[substring(digits, last, 1)]]), "lead": lead} if {
	last := count(digits) - 1
}

# A quantity with a binary suffix is at most 2^63 - 1.
largest := {"digits": "9223372036854775807", "lead": 18}

capped(magnitude, scale) := largest if {
	scale.base == 2
	smaller(largest, magnitude)
}

else := magnitude

signed(sign, magnitude) := {"sign": 0, "lead": 0, "digits": ""} if magnitude.digits == ""

else := {"sign": -1, "lead": magnitude.lead, "digits": magnitude.digits} if sign == "-"

else := {"sign": 1, "lead": magnitude.lead, "digits": magnitude.digits}
