# frozen_string_literal: true

# Returns the user part of the JID for a name, say an e-mail address (XEP-0106).
def escape_name(name)
  if name.empty? || name.start_with?(" ") || name.end_with?(" ")
    raise ArgumentError, "the name is empty, or begins or ends with a space"
  end
  if name.match?(/[\x00-\x1fA-Z\x7f]/)
    raise ArgumentError, "the name has a capital letter or a control character: lower-case it"
  end

  forbidden = %r{[ "&'/:<>@]|\\(?=2[0267f]|3[ace]|40|5c)}
  name.gsub(forbidden) { |found| format('\\%02x', found.ord) }
end

if $PROGRAM_NAME == __FILE__
  if ARGV.size != 1
    warn "usage: ruby escape.rb NAME"
    exit 2
  end
  begin
    puts escape_name(ARGV.first)
  rescue ArgumentError => error # also for bytes that are not UTF-8
    warn "escape.rb: #{error.message}"
    exit 2
  end
end
