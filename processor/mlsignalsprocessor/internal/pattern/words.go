package pattern

import (
	"iter"
	"strings"
)

// Words returns the words of a name in lower case: Train-Model2 has train and
// model2. Everything but a to z and 0 to 9 separates words.
func Words(name string) iter.Seq[string] {
	return strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
}
