# The programs of the control plane as static Pods of kube-system run them.
package lib.control_plane

import rego.v1

import data.lib.collections
import data.lib.strings
import data.lib.workload

# The Pod runs a program such as "kube-apiserver".
runs(program) if {
	input.object.metadata.namespace == "kube-system"
	command_line(program) != ""
}

# The words of the program's command line as lines, with a line break around each; "" in a Pod that does not run it. An
# agent beside the program has a container of its own, so the program is in one of the first containers.
command_line(program) := lines(workload.pod_spec.containers[0]) if starts(workload.pod_spec.containers[0], program)

else := lines(workload.pod_spec.containers[1]) if starts(workload.pod_spec.containers[1], program)

else := lines(workload.pod_spec.containers[2]) if starts(workload.pod_spec.containers[2], program)

else := ""

lines(spec) := concat("\n", ["", words(spec, "command"), words(spec, "args"), ""])

words(spec, field) := strings.join(collections.list(object.get(spec, [field], [])), "\n")

# A container starts the program.
starts(spec, program) if is_called(spec.command[0], program)

# A wrapper, such as kOps uses, starts what the other words say.
starts(spec, program) if {
	is_called(spec.command[0], "go-runner")
	some word in collections.list(object.get(spec, ["command"], []))
	is_called(word, program)
	not is_flag(word)
}

is_flag(word) if startswith(word, "-")

# The entrypoint of the image starts what the first argument says.
starts(spec, program) if {
	not spec.command[0]
	is_called(spec.args[0], program)
}

is_called(word, program) if word == program

is_called(word, program) if endswith(word, concat("", ["/", program]))

# Where a flag is added to the command line of a container.
end_of_flags(container) := workload.at(container, sprintf("args[%d]", [count(collections.list(object.get(container.spec, ["args"], [])))])) if {
	count(collections.list(object.get(container.spec, ["args"], []))) > 0
}

else := workload.at(container, sprintf("command[%d]", [count(collections.list(object.get(container.spec, ["command"], [])))]))
