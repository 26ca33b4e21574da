# Reference definition of the intrinsic `clean`; the engine uses native code, and exported policies use CEL. The oracle
# tests hold all three equal.
#
# Paths of files and folders on a node.
package lib.files

import rego.v1

# The normal form of a path: no slash at the end, no doubled slash, no "/./". The API server refuses ".." in a hostPath.
# The result for a value that is not a string is "".
clean(path) := sprintf("/%s", [segments(path)]) if startswith(path, "/")

else := segments(path) if is_string(path)

else := ""

segments(path) := concat("/", [segment |
	some segment in split(path, "/")
	not segment in {"", "."}
])
