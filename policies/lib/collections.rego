# Lists and maps as Kubernetes reads them: null and a wrong type are empty. A call with an undefined argument is
# undefined, as every call in Rego is; pass object.get(parent, ["a", "b"], []) where a missing field counts as empty.
package lib.collections

import rego.v1

list(x) := x if is_array(x)

else := []

map(x) := x if is_object(x)

else := {}

is_empty(x) if count(list(x)) == 0
