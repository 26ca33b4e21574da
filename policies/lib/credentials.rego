# Whether a name and its value are a credential. Three questions are kept apart: what the value is whatever its name
# (`is_secret`), what the name says (`ends_in_name`, `mentions_name`), and whether the value can be a credential at all
# (`is_harmless`, `is_plain`). The shape of a value is that of its first 256 characters. `entries` are those of the param
# sensitiveKeyNames.
package lib.credentials

import rego.v1

import data.lib.strings

# A credential by its name: PASSWORD, API_KEY and the like with any value that can be one. "key", "secret" and "token"
# also name things beside credentials, so under them alone a value of plain words is none.
is_named(name, value, entries) if {
	words := singular(name)
	ends_in_name(name, words, entries)
	not is_public_name(words)
	not is_harmless(value)
	decides(name, words, value, entries)
}

decides(_, _, value, _) if not is_plain(value)

decides(name, words, _, entries) if ends_in_specific_name(name, words, entries)

# A name that suggests a credential, with a value that may be one or not: a plain word under "key", "secret" or "token",
# anything under a name that goes on after the word (TOKEN_GITHUB), digits under a password.
is_possible(name, value, entries) if {
	words := singular(name)
	mentions_name(name, words, entries)
	not is_public_name(words)
	is_undecided(name, words, value, entries)
}

is_undecided(name, words, value, entries) if {
	ends_in_name(name, words, entries)
	not is_harmless(value)
	is_plain(value)
	not ends_in_specific_name(name, words, entries)
}

is_undecided(name, words, value, entries) if {
	not ends_in_name(name, words, entries)
	not is_about_credential(words)
	not is_harmless(value)
}

is_undecided(_, words, value, _) if {
	regex.match(`(pas|password|passwd|passphrase|pwd|pin)_$`, words)
	regex.match(`^[0-9]{4,}$`, head(value))
}

# Names

has_credential_name(name, entries) if {
	words := singular(name)
	ends_in_name(name, words, entries)
	not is_public_name(words)
}

# The words of a name, without the "s" at the end of each and without "v" for a version: "_api_cred_" for API_CREDS and
# for apiCredV2.
singular(name) := replace(replace(strings.words(name), "s_", "_"), "_v_", "_")

ending(entry) := replace(concat("", [entry, "_"]), "s_", "_")

# An entry of five letters or more may be the end of a longer word, as in PGPASSWORD; a shorter one is a word of its own,
# so that MONKEY has no "key".
ends_in(_, words, entry) if {
	endswith(words, ending(entry))
	is_long(entry)
}

ends_in(_, words, entry) if endswith(words, concat("", ["_", ending(entry)]))

ends_in(name, _, entry) if is_part(name, entry)

# An entry that is not made of small letters and "_" is any part of a name.
is_part(name, entry) if {
	regex.match(`[^a-z_]`, entry)
	strings.contains_ignore_case(name, entry)
}

is_long(entry) if count(entry) > 4

is_ambiguous(entry) if entry in {"key", "secret", "token"}

ends_in_name(name, words, entries) if {
	some entry in entries
	ends_in(name, words, entry)
}

# Keys, tokens and secrets that are credentials: API_KEY, CLIENT_SECRET.
ends_in_specific_name(_, words, _) if {
	regex.match(`_(api|acces|account|auth|client|consumer|encryption|master|private|refresh|secret|session|signing|storage)_(key|secret|token)_$`, words)
}

ends_in_specific_name(name, words, entries) if {
	some entry in entries
	not is_ambiguous(entry)
	ends_in(name, words, entry)
}

mentions_name(name, words, entries) if {
	some entry in entries
	mentions(name, words, entry)
}

mentions(_, words, entry) if {
	contains(words, ending(entry))
	is_long(entry)
}

mentions(_, words, entry) if contains(words, concat("", ["_", ending(entry)]))

mentions(name, _, entry) if is_part(name, entry)

# Keys and secrets that are not a credentials: public halves, keys of tables and queues, names of Secret objects.
is_public_name(words) if {
	regex.match(`_(public|partition|sort|primary|foreign|cache|routing|hash|row|group|object|label|annotation|index|map|lookup|topic|message|shard|authorized|host)_key_$|_(existing|pull|tl)_secret_$`, words)
}

# The last word, in the singular, of names of what stands beside a credential: its file, its age, its kind.
is_about_credential(words) if {
	regex.match(`_(file|path|dir|directory|folder|ur[il]|endpoint|host|port|server|service|addres|domain|name|id|length|len|size|count|limit|max|min|number|ttl|age|expir[ey]|expiration|timeout|time|date|m|second|minute|hour|day|interval|duration|rotation|period|required?|enabled?|disabled?|allowed|policy|rule|type|kind|format|encoding|alg|algo|algorithm|cipher|mode|method|issuer|audience|scope|role|group|namespace|user|username|email|header|cookie|field|column|prefix|suffix|pattern|provider|backend|engine|store|manager|vault|ring|cache|location|mount|ref|reference|hint|version|clas|hasher|generator|reset|grant|bucket|rate|usage|config|option|json|ya?ml|xml|propertie|conf|cfg|ini|sh|crt|pub)_$`, words)
}

# Values

head(value) := substring(value, 0, 256)

# Words, perhaps with a number at the end: "customer", "farm-tls", "app-v2".
is_plain(value) if regex.match(`^(k8s|[A-Za-z]{1,15})([-_.:/, ]+(k8s|[A-Za-z]{1,15}))*([-_.]v?[0-9]{1,3})*$`, head(value))

# What is not a credential whatever its name: a switch, a number with a unit, a path or file name, a URL, what another tool
# or the kubelet replaces, the name of a secret in a store, a public key, JSON, a word with options (jwt,ttl=10m); text of
# several lines.
is_harmless(value) if {
	regex.match(`^((?i:true|false|yes|no|on|off|none|null|nil|enabled?|disabled?|required|optional|always|never|auto|default|[a-z_-]*placeholder.*)|[-+]?[0-9][-0-9.,:/_ ]*([KMGTPE]i|[KMG]B|[mnu]?s|[dhkmwEGKMPT%])?|([0-9.]+(h|m|s|ms))+|((~|\.\.?)?(/[^/ +=]+)*|[a-z0-9_.-]+(/[a-z0-9_.-]+)+)/?|[A-Za-z]:\\.*|[0-9A-Za-z_.-]+\.(key|pem|crt|p12|jks|json|ya?ml|txt|conf|properties|env)|[A-Za-z][0-9A-Za-z+.-]*://.*|(\$\([-._a-zA-Z][-._a-zA-Z0-9]*\)|\$\{[^}:]*\}|[-_.:/@,;+ ])+|\$[A-Z_][A-Z0-9_]*|[{\[].*|<[^>]*>|%[({sv].*|#\{.*|@[A-Z_]+@|__[A-Z_]+__|\*+|[a-z]+(,[a-z-]+=[^ ,=]+)+|(arn|vault|ENC|ssh-[a-z0-9]+)[:(\[ ].*)$`, head(value))
}

is_harmless(value) if regex.match(`[^ \t\r\n][ \t\r]*\n[ \t\r\n]*[^ \t\r\n]`, head(value))

# A credential whatever its name.
is_secret(value) if regex.match(`-----BEGIN ([A-Z]+ )?PRIVATE KEY`, value)

is_secret(value) if is_encoded_private_key(value)

# A URL or a Go data source name with a password that is not a reference, template or mask.
is_secret(value) if {
	contains(value, "@")
	strings.matches_except(`://[^/?#@: \t\r\n"'<>]*:[^/?#@ \t\r\n"'<>]+@|[0-9A-Za-z_.-]+:[^@ \t\r\n"'<>]+@(tcp|unix)\(`, `:(\$[({]?[0-9A-Za-z_.-]*[)}]?|[{%\[].*|\*+|[xX]+)@[^@]*$`, value)
}

# "password=hunter2" or "password: hunter2" in a text, outside of comments; no switch, number, path, reference, template,
# call or name of a variable.
is_secret(value) if {
	speaks_of_password(value)
	strings.matches_except(`(?i)(#[^\n]*|\n[ \t]*;[^\n]*)?[0-9a-z_.-]*(pass(word|wd|phrase)|pwd)["']?[ \t]*(=[ \t]*["']?[^ \t\r\n"',;&}\])]+|:([ \t]+["']?|["'])[^ \t\r\n"',;&}\])]+["']?[ \t]*([\r\n,;}\]#]|$))`, `(?i)^[#\n]|nopasswd|[=:][ \t]*["']?([$%{<\[(*|>=:?@/\\~.].*|true|false|yes|no|on|off|null|nil|none|required|optional|enabled|disabled|undefined|string|[0-9.]+|[a-z_]+(\.[a-z_]+)+.*|[a-z_]*\(.*|x+|[0-9a-z_.-]*placeholder.*)["']?[ \t]*[\r\n,;}\]#]?$`, value)
}

speaks_of_password(value) if strings.contains_ignore_case(value, "pass")

speaks_of_password(value) if strings.contains_ignore_case(value, "pwd")

# "client_secret=…" in a text, with a value that looks like random characters.
is_secret(value) if {
	regex.match(`(?i)(secret[_-]?(access[_-]?)?key|client[_-]?secret|api[_-]?key|(access|auth)[_-]?token|(account|sharedaccess)[_-]?key)["']?[ \t]*[=:][ \t]*["']?([a-z][a-z+/]*)?[0-9][0-9a-z+/]{11,}`, value)
}

# The base64 form of "-----BEGIN PRIVATE KEY", also with RSA, EC, DSA, OPENSSH and ENCRYPTED.
is_encoded_private_key(value) if {
	startswith(value, "LS0tLS1CRUdJTi")
	regex.match(`^LS0tLS1CRUdJTi(BQUklWQVRFIEtF|BSU0EgUFJJVkFURSBL|BFQyBQUklWQVRFIEtF|BEU0EgUFJJVkFURSBL|BPUEVOU1NIIFBSSVZBVEUgS0|BFTkNSWVBURUQgUFJJVkFURSBL)`, head(value))
}
