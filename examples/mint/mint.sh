#!/bin/sh
# Makes the tokens with which the users of a web application log in to Prosody.
# Needs oathtool and openssl.
#
# No secret is put on a command line, where ps shows it to every user of the machine: oathtool
# reads the seed from its standard input. openssl has no such way for the key of an HMAC, so the
# HMAC (RFC 2104) is made here of its SHA-256; printf is a part of the shell itself.
set -eu

# mint JID OTP_SEED TOKEN_SECRET [UNIX_TIME [NONCE]]: a fresh token for JID, which is "user@host" as
# prepared. Only tests give UNIX_TIME and NONCE.
mint() (
	: "${2:?the OTP seed is empty}" "${3:?the token secret is empty}"
	now=${4:-$(date +%s)}
	[ ${#now} -le 12 ] || { echo "the time is not in seconds" >&2; exit 2; }
	nonce=${5:-$(printf %012d "$now"; head -c 4096 /dev/urandom | LC_ALL=C tr -dc 0-9 | cut -c 1-20)}
	otp=$(printf '%s\n' "$2" | oathtool --totp --base32 --digits=8 --now="@$now" -) || exit
	signature=$(printf %s "$otp$nonce$1" | hmac_sha256 "$3" | openssl base64)
	echo "$otp$nonce $signature"
)

# hmac_sha256 KEY: the HMAC of standard input, as bytes
hmac_sha256() (
	key=$(printf %s "$1" | hex)
	[ ${#key} -le 128 ] || key=$(printf %s "$1" | sha256 | hex)
	while [ ${#key} -lt 128 ]; do key=${key}00; done
	{ xor "$key" 92; { xor "$key" 54; cat; } | sha256; } | sha256
)

# xor HEX BYTE: the bytes that HEX stands for, each combined with BYTE
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
if [ $# -lt 1 ] || [ $# -gt 3 ] || [ -z "${XTOKEN_OTP_SEED+x}" ] || [ -z "${XTOKEN_TOKEN_SECRET+x}" ]; then
	echo "usage: mint.sh JID [UNIX_TIME [NONCE]], with XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET set" >&2
	exit 2
fi
jid=$1
shift
mint "$jid" "$XTOKEN_OTP_SEED" "$XTOKEN_TOKEN_SECRET" "$@"
