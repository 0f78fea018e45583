#!/bin/sh
# Makes user parts of JIDs from the names that a web application has for its users.
set -eu

# escape_name NAME: prints the user part of the JID for a name, say an e-mail address (XEP-0106)
escape_name() (
	LC_ALL=C
	export LC_ALL
	case $1 in
	'' | ' '* | *' ')
		echo "the name is empty, or begins or ends with a space" >&2
		exit 2
		;;
	*[[:cntrl:][:upper:]]*)
		echo "the name has a capital letter or a control character: lower-case it" >&2
		exit 2
		;;
	esac
	printf '%s\n' "$1" | sed -E -e 's/\\(2[0267f]|3[ace]|40|5c)/\\5c\1/g' \
		-e 's/ /\\20/g; s/"/\\22/g; s/&/\\26/g; s|/|\\2f|g; s/:/\\3a/g' \
		-e "s/'/\\\\27/g; s/</\\\\3c/g; s/>/\\\\3e/g; s/@/\\\\40/g"
)

if [ $# -ne 1 ]; then
	echo "usage: escape.sh NAME" >&2
	exit 2
fi
escape_name "$1"
