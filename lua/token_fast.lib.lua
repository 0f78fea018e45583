-- Users who come back with a token of FAST (mod_sasl2_fast), which does not ask the provider about
-- them: only those get in who would with a token of the web application.

return function (readmit, conditions)
	-- Before mod_sasl2, at 1000, makes the session theirs.
	module:hook("sasl2/c2s/success", function (event)
		local session = event.session;
		local handler = session.sasl_handler;
		if not handler or not handler.fast then
			return nil;
		end
		local admitted, reason = readmit(handler.username);
		if session.destroyed then
			-- The client left meanwhile, and nobody waits for the answer.
			return true;
		elseif not admitted then
			handler.refusal = reason;
			local condition = conditions[reason] or "not-authorized";
			module:fire_event("sasl2/c2s/failure", { session = session, message = condition });
			return true;
		end
	end, 1001);
end;
