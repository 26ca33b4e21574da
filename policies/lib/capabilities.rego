# Linux capabilities.
package lib.capabilities

import rego.v1

import data.lib.strings

# One spelling per capability: runtimes ignore case, and some accept the prefix CAP_.
normalize(capability) := trim_prefix(strings.lower_ascii(capability), "cap_")
