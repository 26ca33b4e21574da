# The programs of the control plane as static Pods of kube-system run them.
package lib.control_plane

import rego.v1

import data.lib.collections
import data.lib.flags
import data.lib.strings
import data.lib.workload

# The Pod runs a program such as "kube-apiserver".
runs(program) if command_line(program) != ""

# The words of the program's command line as lines, with a line break around each; "" in a Pod that does not run it. An
# agent beside the program has a container of its own, so the program is in one of the first containers.
command_line(program) := "" if not is_in_kube_system

else := lines(0) if starts(0, program)

else := lines(1) if starts(1, program)

else := lines(2) if starts(2, program)

else := ""

is_in_kube_system if input.object.metadata.namespace == "kube-system"

lines(number) := concat("\n", ["", words(number, "command"), words(number, "args"), ""])

words(number, field) := strings.join(workload.pod_spec.containers[number][field], "\n") if {
	is_array(workload.pod_spec.containers[number][field])
}

else := ""

# The container with this number starts the program.
starts(number, program) if is_called(workload.pod_spec.containers[number].command[0], program)

# A wrapper, such as kOps uses, starts what the other words say.
starts(number, program) if {
	is_called(workload.pod_spec.containers[number].command[0], "go-runner")
	some word in collections.list(object.get(workload.pod_spec.containers[number], ["command"], []))
	is_called(word, program)
	not is_flag(word)
}

is_flag(word) if startswith(word, "-")

# The entrypoint of the image starts what the first argument says.
starts(number, program) if {
	not workload.pod_spec.containers[number].command[0]
	is_called(workload.pod_spec.containers[number].args[0], program)
}

is_called(word, program) if endswith(concat("", ["/", word]), concat("", ["/", program]))

# The path of the word that sets a flag of the program: of the last one, which counts, if there are several. Without such a
# word, where it is added.
flag_path(program, flag) := path_in(0, flag) if starts(0, program)

else := path_in(1, flag) if starts(1, program)

else := path_in(2, flag)

path_in(number, flag) := word_path(number, "args", flag) if flags.is_set(field_lines(number, "args"), flag)

else := word_path(number, "command", flag) if flags.is_set(field_lines(number, "command"), flag)

else := end_path(number, "args") if workload.pod_spec.containers[number].args[0]

else := end_path(number, "command")

word_path(number, field, flag) := sprintf("%s.containers[%d].%s[0]", [workload.pod_spec_path, number, field]) if {
	flags.lines_before(field_lines(number, field), flag) == ""
}

else := sprintf("%s.containers[%d].%s[%d]", [workload.pod_spec_path, number, field, count(split(flags.lines_before(field_lines(number, field), flag), "\n"))])

end_path(number, field) := sprintf("%s.containers[%d].%s[%d]", [workload.pod_spec_path, number, field, count(workload.pod_spec.containers[number][field])]) if {
	is_array(workload.pod_spec.containers[number][field])
}

else := sprintf("%s.containers[%d].%s[0]", [workload.pod_spec_path, number, field])

field_lines(number, field) := concat("\n", ["", words(number, field), ""])
