# Paths of fields in an object.
package lib.fields

import rego.v1

# An entry of a map with free keys: labels, annotations, data.
entry(parent, key) := sprintf("%s[%s]", [parent, key])
