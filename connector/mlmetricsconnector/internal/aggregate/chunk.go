package aggregate

// perChunk is how many parts are allocated at once. What is dropped stays in memory until all parts of its chunk are, so
// it is small; series that begin together mostly end together.
const perChunk = 16

// chunk allocates many parts at once: fewer objects for the garbage collector to visit, and what belongs to the same
// spans lies side by side. Parts are never handed out twice.
type chunk[T any] struct{ rest []T }

// take returns n zero values.
func (c *chunk[T]) take(n int) []T {
	if len(c.rest) < n {
		c.rest = make([]T, perChunk*n)
	}
	part := c.rest[:n:n]
	c.rest = c.rest[n:]
	return part
}

// one returns a zero value.
func (c *chunk[T]) one() *T { return &c.take(1)[0] }
