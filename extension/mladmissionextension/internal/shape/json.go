package shape

import "bytes"

// bracketsAround is how many brackets are around an attribute value, and
// bracketsPerValue around each value in it: {"arrayValue":{"values":[...]}}.
const (
	bracketsAround   = 12
	bracketsPerValue = 4
)

// JSON is Proto for a request in JSON.
func JSON(data []byte, maxDepth int) (memory int, err error) {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return 0, ErrMalformed
	}
	depth, objects := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			end := endOfString(data[i+1:])
			if end < 0 {
				return 0, ErrMalformed
			}
			i += end + 1
		case '{', '[':
			objects++
			if depth++; depth > bracketsAround+bracketsPerValue*maxDepth {
				return 0, ErrTooDeep
			}
		case ']', '}':
			depth--
		}
	}
	if depth != 0 {
		return 0, ErrMalformed
	}
	return 4*len(data) + elementBytes*objects, nil
}

// endOfString returns the position of the quote that ends a string, -1 where there is none.
func endOfString(data []byte) int {
	for i := 0; i < len(data); i++ {
		next := bytes.IndexAny(data[i:], "\"\\")
		if next < 0 {
			return -1
		}
		if i += next; data[i] == '"' {
			return i
		}
		i++ // what follows a backslash is part of the string
	}
	return -1
}
