package directory

import (
	"strings"
	"unicode"
)

// Words are the words of a name in lower case, as FindRecipients takes them and as stores keep them: "Meyer, Tom-Eric" has
// three. Letters, marks and digits of any script make a word, everything else divides.
func Words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) })
}
