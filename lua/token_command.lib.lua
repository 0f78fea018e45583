-- What "prosodyctl mod_auth_token …" does. Returns a function of the words behind that, which returns
-- the exit status.

local usage = [[
Usage: prosodyctl mod_auth_token COMMAND

  explain user@host [TOKEN]   say whether a token would be accepted and if not, why; it is not spent.
                              Better give TOKEN on standard input: others can see the words of a command
  check [host]                look for what is wrong with the configuration
  mint user@host              print a fresh token, to try things out
  generate-key                print a new key, ready for the configuration

Exit status: 0 all is well, 1 the token is refused or there are warnings, 2 errors.]];

local commands = {
	explain = "token_command_explain";
	check = "token_command_check";
	mint = "token_command_mint";
	["generate-key"] = "token_command_generate_key";
};

return function (words)
	local library = commands[table.remove(words, 1)];
	if not library then
		print(usage);
		return 2;
	end
	local called, run = pcall(module.require, module, library);
	if not called then
		-- For want of the native module.
		print(run);
		return 2;
	end
	return run(words);
end;
