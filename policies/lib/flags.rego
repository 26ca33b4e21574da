# Flags of a program. `lines` is its command line as lib.control_plane.command_line gives it, `flag` is written as
# "--profiling". As the programs do, the last of several values counts.
package lib.flags

import rego.v1

import data.lib.strings

is_set(lines, flag) if contains(in_two_lines(lines, flag), concat("", ["\n", flag, "\n"]))

# `--flag=value` as `--flag value`, with the value in the next line.
in_two_lines(lines, flag) := replace(lines, concat("", ["\n", flag, "="]), concat("", ["\n", flag, "\n"]))

# The value of `--flag=value` or `--flag value`.
value(lines, flag, default_value) := last_value(lines, flag) if is_set(lines, flag)

else := default_value

# The value of a switch, "true" or "false": without a value it is on. The programs read what Go reads as a boolean. A switch
# takes no value from the next word, and a program that finds one there does not start.
switch(lines, flag, default_value) := "false" if {
	is_set(lines, flag)
	last_value(lines, flag) in {"false", "False", "FALSE", "f", "F", "0"}
}

else := "true" if is_set(lines, flag)

else := default_value

# The same, "" without the flag.
last_value(lines, flag) := strings.last_between(in_two_lines(lines, flag), concat("", ["\n", flag, "\n"]), "\n")

# The items of a list flag, with a comma around each.
items(value) := concat("", [",", value, ","])

# A word of the command line sets the flag.
sets(word, flag) if word == flag

sets(word, flag) if startswith(word, concat("", [flag, "="]))
