package series

// slabSize is how many elements are allocated at once. A slab stays in memory
// until none of its elements is in use, so it is small: series that begin
// together mostly end together.
const slabSize = 16

// slab allocates many elements at once, so that the garbage collector visits
// fewer objects. Each element is returned only once.
type slab[T any] struct{ rest []T }

// take returns n zero values.
func (s *slab[T]) take(n int) []T {
	if len(s.rest) < n {
		s.rest = make([]T, slabSize*n)
	}
	part := s.rest[:n:n]
	s.rest = s.rest[n:]
	return part
}

// one returns a zero value.
func (s *slab[T]) one() *T { return &s.take(1)[0] }
