cache = false
codes = true
max_line_length = 100
std = "max"

-- What Prosody gives a plugin.
stds.prosody = {
	read_globals = {
		module = {
			other_fields = true,
			fields = { unload = { read_only = false }, command = { read_only = false } },
		},
		prosody = {
			other_fields = true,
			fields = {
				xtoken = { read_only = false },
			},
		},
	},
}

files["lua/**/*.lua"] = { std = "min+prosody" }
files["tests/prosody/plugins/*.lua"] = { std = "min+prosody" }
files["benches/plugins/*.lua"] = { std = "min+prosody" }
files["tests/lua/*_spec.lua"] = { std = "max+busted" }
-- The Lua implementation expects to be inside a plugin.
files["benches/lua/verify.lua"] = { std = "max", ignore = { "121/module" } }
files["tests/lua/differential.lua"] = { std = "max", ignore = { "121/module" } }
-- A configuration of Prosody sets options like globals.
files["examples/proxy/*.cfg.lua"] = {
	allow_defined_top = true, ignore = { "113/VirtualHost", "131" },
}
