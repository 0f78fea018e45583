cache = false
codes = true
max_line_length = 120
std = "max"

-- What Prosody gives a plugin.
files["lua/*.lua"] = {
	std = "min";
	read_globals = { "module", prosody = { fields = { token_ledgers = { read_only = false } } } };
}

files["tests/lua/*_spec.lua"] = {
	std = "max+busted";
}
