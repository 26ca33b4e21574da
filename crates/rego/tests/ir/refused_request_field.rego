# A field of the request other than the operation.
package controls.x1

import rego.v1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	input.request.userInfo.username == "x"
}
