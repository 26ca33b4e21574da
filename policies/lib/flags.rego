# Flags of a program. `lines` is its command line as lib.control_plane.command_line gives it, `flag` is written as
# "--profiling". As the programs do, the last of several values counts.
package lib.flags

import rego.v1

import data.lib.strings

is_set(lines, flag) if contains(lines, concat("", ["\n", flag, "="]))

is_set(lines, flag) if contains(lines, concat("", ["\n", flag, "\n"]))

# The value of `--flag=value` or `--flag value`.
value(lines, flag, default_value) := value_after(lines, flag, "=") if is_set(lines, flag)

else := default_value

# The value of a switch, "true" or "false": without a value it is on. The programs read what Go reads as a boolean.
switch(lines, flag, default_value) := "false" if {
	is_set(lines, flag)
	value_after(lines, flag, "=true\n") in {"false", "False", "FALSE", "f", "F", "0"}
}

else := "true" if is_set(lines, flag)

else := default_value

# `bare` replaces the line break after a flag without "=".
value_after(lines, flag, bare) := strings.last_between(
	replace(lines, concat("", ["\n", flag, "\n"]), concat("", ["\n", flag, bare])),
	concat("", ["\n", flag, "="]),
	"\n",
)

# The items of a list flag, with a comma around each.
items(value) := concat("", [",", value, ","])

# A word of the command line sets the flag.
sets(word, flag) if word == flag

sets(word, flag) if startswith(word, concat("", [flag, "="]))
