# An expression that is broken over lines.
# kind: x.io/Thing
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.object.spec.firstOfTheLongFields == "a value of the first field"
	input.object.spec.secondOfTheLongFields == "a value of the second field"
	input.object.spec.thirdOfTheLongFields in {"a value", "another value", "a third value", "the fourth value", "and one more value"}
}
