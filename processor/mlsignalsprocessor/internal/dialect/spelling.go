package dialect

// maxFolded is the length of a name from which on its spelling is not looked at. No name of a stage is as long.
const maxFolded = 64

// Folded appends a name in the spelling that all of its spellings share: its
// letters in lower case and its digits, without what separates the words. Of
// data-ingestion, Data_Ingestion and DataIngestion that is dataingestion. It
// reports false for a name that has nothing left, other characters or too many.
func Folded(to []byte, name string) ([]byte, bool) {
	if len(name) > maxFolded {
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
