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

# How many words are before the last one that sets the flag, where there is one. No word has the character U+0000.
position(lines, flag) := 0 if words_before(lines, flag) == ""

else := count(split(trim_prefix(words_before(lines, flag), "\n"), "\n"))

words_before(lines, flag) := trim_suffix(in_one_line(lines, flag), concat("", ["\n", flag, "=", after(lines, flag)]))

after(lines, flag) := strings.last_between(in_one_line(lines, flag), concat("", ["\n", flag, "="]), "\u0000")

in_one_line(lines, flag) := replace(lines, concat("", ["\n", flag, "\n"]), concat("", ["\n", flag, "=\n"]))
