// Command escape makes user parts of JIDs from the names that a web application has for its users.
package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	unsuitable = regexp.MustCompile(`[\x00-\x1fA-Z\x7f]`)
	ambiguous  = regexp.MustCompile(`\\(2[0267f]|3[ace]|40|5c)`)
	forbidden  = regexp.MustCompile(`[ "&'/:<>@]`)
)

// EscapeName returns the user part of the JID for a name, say an e-mail address (XEP-0106).
func EscapeName(name string) (string, error) {
	if name == "" || strings.Trim(name, " ") != name {
		return "", errors.New("the name is empty, or begins or ends with a space")
	}
	if unsuitable.MatchString(name) {
		return "", errors.New("the name has a capital letter or a control character: lower-case it")
	}
	if !utf8.ValidString(name) {
		return "", errors.New("the name is not UTF-8")
	}
	escaped := ambiguous.ReplaceAllString(name, `\5c$1`)
	return forbidden.ReplaceAllStringFunc(escaped, func(found string) string {
		return fmt.Sprintf(`\%02x`, found)
	}), nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: escape NAME")
		os.Exit(2)
	}
	user, err := EscapeName(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "escape:", err)
		os.Exit(2)
	}
	fmt.Println(user)
}
