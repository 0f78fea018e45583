/* Makes user parts of JIDs from the names that a web application has for its users. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns whether a backslash before these characters begins an escape. */
static int is_code(const char *text)
{
	const char *code;

	for (code = "2022262f3a3c3e27405c"; *code != '\0'; code += 2)
		if (strncmp(text, code, 2) == 0)
			return 1;
	return 0;
}

/* Writes the user part of the JID for a name, say an e-mail address (XEP-0106), to a buffer of
 * 3 * strlen(name) + 1 bytes. Returns NULL, or what is wrong with the name. */
static const char *escape_name(const char *name, char *user)
{
	size_t length = strlen(name);

	if (length == 0 || name[0] == ' ' || name[length - 1] == ' ')
		return "the name is empty, or begins or ends with a space";
	for (; *name != '\0'; name++) {
		unsigned char byte = (unsigned char)*name;

		if (byte < 32 || byte == 127 || (byte >= 'A' && byte <= 'Z'))
			return "the name has a capital letter or a control character: lower-case it";
		if (strchr(" \"&'/:<>@", byte) || (byte == '\\' && is_code(name + 1)))
			user += sprintf(user, "\\%02x", byte);
		else
			*user++ = *name;
	}
	*user = '\0';
	return NULL;
}

int main(int argc, char **argv)
{
	const char *wrong = "usage: escape NAME";
	char *user = argc == 2 ? malloc(3 * strlen(argv[1]) + 1) : NULL;

	if (user != NULL)
		wrong = escape_name(argv[1], user);
	if (wrong == NULL)
		puts(user);
	else
		fprintf(stderr, "%s\n", wrong);
	free(user);
	return wrong == NULL ? 0 : 2;
}
