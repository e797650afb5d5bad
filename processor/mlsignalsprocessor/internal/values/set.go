package values

import "math/bits"

// Size is room for one value per attribute of the vocabulary. A Set has a bit for each.
const Size = 128

// Set is a set of attributes, a bit for each position in vocab.Attributes. Sets are compared with ==. It is two
// words instead of an array: copying an array directly after writing one half stalls the CPU (store forwarding).
type Set struct{ low, high uint64 }

// Bit is the set of one attribute.
func Bit(i int) (s Set) {
	s.Add(i)
	return s
}

// Bits is the set of these attributes.
func Bits(attributes ...int) (s Set) {
	for _, i := range attributes {
		s.Add(i)
	}
	return s
}

// Add puts an attribute into the set.
func (s *Set) Add(i int) {
	if i < 64 {
		s.low |= 1 << uint(i)
	} else {
		s.high |= 1 << uint(i-64)
	}
}

// Remove takes an attribute out of the set.
func (s *Set) Remove(i int) {
	if i < 64 {
		s.low &^= 1 << uint(i)
	} else {
		s.high &^= 1 << uint(i-64)
	}
}

// Has reports whether the attribute is in the set.
func (s *Set) Has(i int) bool {
	if i < 64 {
		return s.low>>uint(i)&1 != 0
	}
	return s.high>>uint(i-64)&1 != 0
}

// Empty reports whether nothing is in the set.
func (s *Set) Empty() bool { return s.low|s.high == 0 }

// Meets reports whether the sets have an attribute in common.
func (s *Set) Meets(t *Set) bool { return s.low&t.low|s.high&t.high != 0 }

// Or has what is in either set.
func (s Set) Or(t Set) Set { return Set{s.low | t.low, s.high | t.high} }

// And has what is in both sets.
func (s Set) And(t Set) Set { return Set{s.low & t.low, s.high & t.high} }

// Without has what is in s and not in t.
func (s Set) Without(t Set) Set { return Set{s.low &^ t.low, s.high &^ t.high} }

// Len is the number of attributes in the set.
func (s *Set) Len() int { return bits.OnesCount64(s.low) + bits.OnesCount64(s.high) }

// Pop takes the lowest attribute out of a set that is not empty.
func (s *Set) Pop() int {
	if s.low != 0 {
		i := bits.TrailingZeros64(s.low)
		s.low &= s.low - 1
		return i
	}
	i := bits.TrailingZeros64(s.high)
	s.high &= s.high - 1
	return 64 + i
}
