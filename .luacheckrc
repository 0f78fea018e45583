cache = false
codes = true
max_line_length = 120
std = "max"

-- What Prosody gives a plugin.
stds.prosody = {
	read_globals = {
		module = { other_fields = true, fields = { unload = { read_only = false }, command = { read_only = false } } },
		prosody = {
			other_fields = true,
			fields = {
				token_ledgers = { read_only = false },
				token_ledger_urls = { read_only = false },
				token_desks = { read_only = false },
				token_guards = { read_only = false },
			},
		},
	},
}

files["lua/*.lua"] = { std = "min+prosody" }
files["tests/prosody/plugins/*.lua"] = { std = "min+prosody" }
files["tests/lua/*_spec.lua"] = { std = "max+busted" }
-- The verifier that it measures expects to be inside a plugin.
files["benches/verify.lua"] = { std = "max", ignore = { "121/module" } }
