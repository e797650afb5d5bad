package pattern

// MaxFold is the length in bytes of the longest name that Fold accepts.
const MaxFold = 64

// Fold appends the form that all spellings of a name share: its letters in
// lower case and its digits, without separators. data-ingestion, Data_Ingestion
// and DataIngestion all become dataingestion. It reports false for a name that
// is too long, has other characters, or has no letters and digits.
func Fold(to []byte, name string) ([]byte, bool) {
	if len(name) > MaxFold {
		return to, false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			to = append(to, c)
		case c >= 'A' && c <= 'Z':
			to = append(to, c-'A'+'a')
		case c == '-' || c == '_' || c == ' ' || c == '.' || c == ':' || c == '/':
		default:
			return to, false
		}
	}
	return to, len(to) > 0
}
