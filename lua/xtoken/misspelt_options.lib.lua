-- Finds options in the configuration that look like those of xtoken but are not.
--
--   warn(host, log): logs each of them, with the option that was probably meant

local distances = module:require "xtoken/distance";
local known_options = module:require "xtoken/known_options";

-- Options of other modules that begin like those of xtoken.
local foreign = {
	-- Prosody.
	"^token_auth_";
	-- Jitsi.
	"^token_verification_"; "^token_affiliation_"; "^token_lifetime$";
	-- Metronome.
	"^token_service_";
};

-- Removes what is easily mistaken: upper case and whatever separates words.
local function squeeze(option)
	return (option:lower():gsub("[%W_]", ""));
end

-- Without its prefix, a name with fewer letters than this may belong to another module. So it must
-- be right to the letter, and the option that was meant must be missing.
local telling = 10;

-- By option, other ways to write its name: with another prefix, and without one.
local mistakable = {};
for _, option in known_options.all() do
	local prefix, rest = option:match("^(%l+)_(.*)$");
	rest = squeeze(rest);
	local ways = { prefix..rest, "xtoken"..rest, "token"..rest, "otp"..rest };
	if #rest >= telling then
		table.insert(ways, rest);
	end
	mistakable[option] = ways;
end

-- Returns the words of a name in one order, whatever order they were written in.
local function sort_words(option)
	local words = {};
	for word in option:lower():gmatch("%w+") do
		table.insert(words, word);
	end
	table.sort(words);
	return table.concat(words, "_");
end

-- The options that give a key. If one is set, none of the others is missing.
local gives_key = {
	otp_seed = true, otp_seed_file = true, token_secret = true, token_secret_file = true,
	token_keys = true,
};

-- Returns whether an option is not set, nor another one that makes up for it.
local function is_missing(host, option)
	local function makes_up(other)
		return other == option or option == "token_keys" and gives_key[other]
			or gives_key[option] and (other == "token_keys" or other == option.."_file"
				or other.."_file" == option);
	end
	return #known_options.names_set(host, makes_up) == 0;
end

-- Returns the missing option that has this short name without its prefix.
local function nearest_missing(host, unknown)
	local squeezed = squeeze(unknown);
	for _, option in known_options.all() do
		local rest = squeeze(option:match("^%l+_(.*)$"));
		if squeezed == rest and #rest < telling and is_missing(host, option) then
			return option;
		end
	end
end

local function begins_like_ours(option)
	return option:lower():find("^token[_-]") ~= nil;
end

-- Returns the option of xtoken that an unknown name resembles most, if there is one.
local function nearest(unknown)
	local squeezed, best, least = squeeze(unknown), nil, math.huge;
	local sorted = sort_words(unknown);
	for _, option in known_options.all() do
		if sorted == sort_words(option) then
			return option;
		end
		for rank, way in ipairs(mistakable[option]) do
			local far = distances.distance(squeezed, way);
			-- If two are equally near, takes the one with the prefix that was written.
			local order = far + (rank == 1 and 0 or 0.5);
			if far <= distances.typo(#way) and order < least then
				best, least = option, order;
			end
		end
	end
	return best;
end

local function is_foreign(option)
	for _, pattern in ipairs(foreign) do
		if option:find(pattern) then
			return true;
		end
	end
	return false;
end

-- Returns the option of xtoken that was probably meant by a name that is none, or false if the name
-- only begins like one; nil if it may well be an option of another module.
local function meant_by(host, name)
	if known_options.exists(name) or is_foreign(name) then
		return nil;
	end
	local meant = nearest(name) or nearest_missing(host, name);
	if not meant and begins_like_ours(name) then
		return false;
	end
	return meant;
end

-- Only warns: an option of a module that is not listed above must not keep users from logging in.
local function warn(host, log)
	local function is_misspelt(name)
		return meant_by(host, name) ~= nil;
	end
	for _, name in ipairs(known_options.names_set(host, is_misspelt)) do
		local meant = meant_by(host, name);
		log("warn", "%s is not an option of xtoken and has no effect here: %s", name,
			meant and "did you mean "..meant.."?" or "check its spelling");
	end
end

return { warn = warn };
