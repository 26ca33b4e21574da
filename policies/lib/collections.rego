# Lists and maps as Kubernetes means them: null or a wrong type is empty. A call with a missing argument is undefined,
# as every call in Rego is, so pass object.get(parent, ["a", "b"], []) where missing must count as empty.
package lib.collections

import rego.v1

list(x) := x if is_array(x)

else := []

map(x) := x if is_object(x)

else := {}

is_empty(x) if count(list(x)) == 0
