# `sprintf` with strings, an index and a percent sign.
package controls.x1

import rego.v1

import data.lib.collections

deny contains {"message": sprintf("%s is 100%% number %d", [rule.name, index]), "paths": ["rules"], "fixes": []} if {
	some index, rule in collections.list(input.object.rules)
	is_string(rule.name)
}
