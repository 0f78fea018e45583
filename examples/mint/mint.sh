#!/bin/sh
# Mints the tokens with which the users of a web application log in to Prosody.
# Needs oathtool, openssl and iconv.
#
# No secret is put on a command line, where ps shows it to every user of the machine. oathtool reads
# the seed from its standard input. openssl cannot do this with the key of an HMAC, so this script
# makes the HMAC (RFC 2104) from SHA-256. printf is part of the shell itself.
set -eu

# mint JID OTP_SEED TOKEN_SECRET [UNIX_TIME [NONCE]]: prints a fresh token for JID, a prepared
# "user@host". Only tests give UNIX_TIME and NONCE.
mint() (
	is_prepared "$1" || {
		echo "the JID is not a prepared user@host: write it in lower case, without spaces" \
			"or a /resource, and without \"&'/:<>@ in the user" >&2
		exit 2
	}
	: "${2:?the OTP seed is empty}" "${3:?the token secret is empty}"
	now=${4:-$(date +%s)}
	[ ${#now} -le 12 ] || { echo "the time is not in seconds" >&2; exit 2; }
	nonce=${5:-$(printf %012d "$now" && random_digits)}
	otp=$(printf '%s\n' "$2" | oathtool --totp --base32 --digits=8 --now="@$now" -) || exit
	signature=$(printf %s "$otp$nonce$1" | hmac_sha256 "$3" | openssl base64)
	echo "$otp$nonce $signature"
)

# is_prepared JID: whether JID has the shape of a prepared "user@host". A shell cannot tell upper
# case beyond ASCII.
is_prepared() (
	LC_ALL=C
	case $1 in
	@* | *@ | *@*@* | */* | *[[:space:][:cntrl:][:upper:]]* | *["\"&':<>"]*@*) exit 1 ;;
	*@*) printf %s "$1" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1 ;;
	*) exit 1 ;;
	esac
)

random_digits() { head -c 4096 /dev/urandom | LC_ALL=C tr -dc 0-9 | cut -c 1-20; }

# hmac_sha256 KEY: writes the HMAC of standard input, as bytes
hmac_sha256() (
	key=$(printf %s "$1" | hex)
	[ ${#key} -le 128 ] || key=$(printf %s "$1" | sha256 | hex)
	while [ ${#key} -lt 128 ]; do key=${key}00; done
	{ xor "$key" 92; { xor "$key" 54; cat; } | sha256; } | sha256
)

# xor HEX BYTE: writes the bytes that HEX stands for, each XOR BYTE
xor() (
	hex=$1
	escaped=
	while [ -n "$hex" ]; do
		rest=${hex#??}
		byte=$((0x${hex%"$rest"} ^ $2))
		escaped=$escaped\\0$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))
		hex=$rest
	done
	printf %b "$escaped"
)

sha256() { openssl dgst -sha256 -binary; }
hex() { od -An -v -tx1 | tr -d ' \n'; }

case ${2:-0} in *[!0-9]*) set -- ;; esac
are_set=${XTOKEN_OTP_SEED+x}${XTOKEN_TOKEN_SECRET+x}
if [ $# -lt 1 ] || [ $# -gt 3 ] || [ "$are_set" != xx ]; then
	echo "usage: mint.sh JID [UNIX_TIME [NONCE]]," \
		"with XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET set" >&2
	exit 2
fi
jid=$1
shift
mint "$jid" "$XTOKEN_OTP_SEED" "$XTOKEN_TOKEN_SECRET" "$@"
