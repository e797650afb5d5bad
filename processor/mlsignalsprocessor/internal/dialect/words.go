package dialect

import (
	"iter"
	"strings"
)

// Words are the words of a name in which a stage is looked for, in lower case:
// Train-Model2 has train and model2.
func Words(name string) iter.Seq[string] {
	return strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
}
