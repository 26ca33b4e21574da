# Paths of files and folders on a node.
package lib.files

import rego.v1

# One spelling for one path: no slash at the end, no doubled slash, no "/./". (The API server refuses ".." in a hostPath.)
# What is no string is "".
clean(path) := sprintf("/%s", [steps(path)]) if startswith(path, "/")

else := steps(path) if is_string(path)

else := ""

steps(path) := concat("/", [step |
	some step in split(path, "/")
	not step in {"", "."}
])
