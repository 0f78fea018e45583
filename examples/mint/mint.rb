# frozen_string_literal: true

require "openssl"
require "securerandom"

# Returns a fresh token with which a user of this application logs in to Prosody. jid is a prepared
# "user@host". Only tests give now and nonce.
def mint(jid, otp_seed, token_secret, now: Time.now.to_i, nonce: nil)
  check_prepared(jid)
  nonce ||= format("%012d%020d", now, SecureRandom.random_number(10**20))
  raise ArgumentError, "the token secret is empty" if token_secret.empty?
  raise ArgumentError, "the time is not in seconds" unless now < 10**12

  digest = OpenSSL::HMAC.digest("SHA1", base32_decode(otp_seed), [now / 30].pack("Q>"))
  offset = digest.getbyte(-1) & 15
  otp = (digest[offset, 4].unpack1("N") & 0x7fffffff) % 10**8

  digits = format("%08d%s", otp, nonce)
  signature = OpenSSL::HMAC.digest("SHA256", token_secret, digits + jid)
  "#{digits} #{[signature].pack("m0")}"
end

# Raises ArgumentError if jid cannot be a prepared "user@host".
def check_prepared(jid)
  text = jid.dup.force_encoding("UTF-8")
  shape = %r{\A[^\p{Z}\p{Cc}"&'/:<>@]+@[^\p{Z}\p{Cc}/@]+\z}
  # Latin, Greek, Cyrillic, Armenian. Prosody does not lower-case every other capital.
  upper_case = /[[A-\u0233\u0386-\u03AB\u0400-\u042F\u0531-\u0556]&&\p{Lu}]/
  return if text.valid_encoding? && text.match?(shape) && !text.match?(upper_case)

  raise ArgumentError, "the JID is not a prepared user@host: write it in lower case, without " \
                       "spaces or a /resource, and without \"&'/:<>@ in the user"
end

# Decodes base32 (RFC 4648), in upper or lower case, with or without padding.
def base32_decode(text)
  raise ArgumentError, "the OTP seed is not base32" unless text.match?(/\A[A-Za-z2-7]+=*\z/)

  alphabet = [*"A".."Z", *"2".."7"]
  letters = text.upcase.delete("=").chars
  bits = letters.map { |letter| format("%05b", alphabet.index(letter)) }.join
  [bits[0, bits.size / 8 * 8]].pack("B*")
end

if $PROGRAM_NAME == __FILE__
  jid, now, nonce = ARGV
  seed, secret = ENV.values_at("XTOKEN_OTP_SEED", "XTOKEN_TOKEN_SECRET")
  if seed.nil? || secret.nil? || !ARGV.size.between?(1, 3) || now&.match?(/\D/)
    warn "usage: ruby mint.rb JID [UNIX_TIME [NONCE]], " \
         "with XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET set"
    exit 2
  end
  begin
    puts mint(jid, seed, secret, **{ now: now&.to_i, nonce: nonce }.compact)
  rescue ArgumentError => error
    warn "mint.rb: #{error.message}"
    exit 2
  end
end
