# `applies` with a default is outside the profile, as every rule with one.
package controls.x1

import rego.v1

default applies := false

applies if input.object.a == 1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if input.object.b == 1
