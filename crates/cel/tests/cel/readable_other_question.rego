# A question that differs in one value is written twice.
# style: readable
package controls.x1

import rego.v1

import data.lib.collections
import data.lib.workload

is_odd(name, value, length) if {
	is_string(name)
	is_string(value)
	not regex.match(`^(p{1,9}|q{1,9}|r{1,9}|s{1,9}|t{1,9}|u{1,9}|v{1,9}|w{1,9}|x{1,9}|y{1,9}|z{1,9}|P{1,9}|Q{1,9}|R{1,9}|S{1,9}|T{1,9}|U{1,9}|V{1,9}|W{1,9}|X{1,9}|Y{1,9}|Z{1,9}|3{1,9}|5{1,9}|7{1,9}|9{1,9})$`, name)
	count(value) > length
	regex.match(`^(a{1,9}|b{1,9}|c{1,9}|d{1,9}|e{1,9}|f{1,9}|g{1,9}|h{1,9}|i{1,9}|j{1,9}|k{1,9}|l{1,9}|m{1,9}|n{1,9})$`, name)
	regex.match(`^(0{1,9}|2{1,9}|4{1,9}|6{1,9}|8{1,9}|00{1,9}|02{1,9}|04{1,9}|06{1,9}|08{1,9}|20{1,9}|22{1,9}|24{1,9})$`, value)
	name != value
}

deny contains {"message": sprintf("container %s has an odd variable %s", [container.name, variable.name]), "paths": [container.path], "fixes": []} if {
	some container in workload.containers
	some variable in collections.list(object.get(container.spec, ["env"], []))
	is_odd(variable.name, variable.value, 3)
}

deny contains {"message": sprintf("the label %s is odd", [key]), "paths": ["metadata.labels"], "fixes": []} if {
	some key, value in collections.map(object.get(input.object, ["metadata", "labels"], {}))
	is_odd(key, value, 4)
}
