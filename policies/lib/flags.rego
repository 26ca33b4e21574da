# Flags of a program. `lines` is its command line as lib.control_plane.command_line gives it, `flag` is written as
# "--profiling". As the programs do, the last of several values counts.
package lib.flags

import rego.v1

import data.lib.strings

is_set(lines, flag) if contains(in_two_lines(lines, flag), concat("", ["\n", flag, "\n"]))

# `--flag=value` as `--flag value`, with the value in the next line.
in_two_lines(lines, flag) := replace(lines, concat("", ["\n", flag, "="]), concat("", ["\n", flag, "\n"]))

# The value of `--flag=value` or `--flag value`, "" without the flag.
last_value(lines, flag) := strings.last_between(in_two_lines(lines, flag), concat("", ["\n", flag, "\n"]), "\n")

# A switch is turned off: without a value it is on. The programs read what Go reads as a boolean. A switch takes no value
# from the next word, and a program that finds one there does not start.
is_off(lines, flag) if last_value(lines, flag) in {"false", "False", "FALSE", "f", "F", "0"}

# The value of a flag is a word of its own, so that the word with the flag cannot be replaced alone.
is_apart(lines, flag) if contains(lines, concat("", ["\n", flag, "\n"]))

# The items of a list flag, with a comma around each.
items(value) := concat("", [",", value, ","])

lists(lines, flag, item) if contains(items(last_value(lines, flag)), concat("", [",", item, ","]))

# The lines before the last word that sets the flag, without a line break around them; "" if it is the first word.
lines_before(lines, flag) := trim_prefix(trim_suffix(marked(lines, flag), concat("", ["\n\u0000", after(lines, flag)])), "\n")

after(lines, flag) := strings.last_between(marked(lines, flag), "\n\u0000", "\u0000")

# With the character U+0000, which no word has, in place of the flag in each word that sets it.
marked(lines, flag) := replace(apart_marked(lines, flag), concat("", ["\n", flag, "="]), "\n\u0000")

apart_marked(lines, flag) := replace(lines, concat("", ["\n", flag, "\n"]), "\n\u0000\n")
