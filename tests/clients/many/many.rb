# frozen_string_literal: true

# many.py for Ruby.

require File.expand_path(ARGV.fetch(0))

$stdin.each_line do |line|
  given = line.chomp.split(" ", -1).map { |text| text.unpack1("m").force_encoding("UTF-8") }
  jid, seed, secret, now, nonce = given
  begin
    puts mint(jid, seed, secret, now: now.to_i, nonce: nonce)
  rescue ArgumentError => error
    puts "! #{error.message}"
  end
end
