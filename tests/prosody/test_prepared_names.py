"""A minter refuses no character of a user or a host that Prosody keeps."""

import subprocess

import pytest
from server import PLUGINS
from versions import VERSIONS, launcher

# Beyond 2FFFF, Unicode 3.2 has no letters.
SCRIPT = r"""
local folder, plugins = ...;
package.cpath = folder.."/?.so;"..plugins.."/?.so;"..package.cpath;
local stringprep = require "util.encodings".stringprep;
local xtoken = require "xtoken";
local otp_seed, token_secret = xtoken.generate_key();
local minter = xtoken.new_minter { otp_seed = otp_seed, token_secret = token_secret };
local kept = 0;
for code = 0x20, 0x2ffff do
	local name = (code < 0xd800 or code > 0xdfff) and "a"..utf8.char(code).."b" or "";
	for prepare, jid in pairs {
		[stringprep.nodeprep] = name.."@h";
		[stringprep.nameprep] = "u@"..name;
	} do
		-- Nameprep also keeps these, which no host has.
		if prepare(name) == name and #name > 0 and not jid:find "@.*[ /@\127]" then
			kept = kept + 1;
			assert(minter:mint(jid, 0), jid);
		end
	end
end
print(kept);
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_no_name_is_refused_that_prosody_keeps(version):
    libraries = launcher(version).parents[1] / "lib/prosody"
    done = subprocess.run(
        ["lua5.4", "-", libraries, PLUGINS],
        input=SCRIPT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200_000
