package values

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSet(t *testing.T) {
	all := Set{}
	for i := range Size {
		assert.False(t, all.Has(i))
		all.Add(i)
		assert.True(t, all.Has(i))
		one := Bit(i)
		assert.True(t, all.Meets(&one))
		assert.Equal(t, one, all.And(one))
		without := all.Without(one)
		assert.False(t, without.Has(i))
		assert.Equal(t, i, one.Pop())
		assert.True(t, one.Empty())
	}
	assert.Equal(t, Size, all.Len())
	var seen []int
	for s := Bits(0, 5, 63, 64, 127).Or(Bit(100)); !s.Empty(); {
		seen = append(seen, s.Pop())
	}
	assert.Equal(t, []int{0, 5, 63, 64, 100, 127}, seen)
	all.Remove(63)
	all.Remove(64)
	gone := Bits(63, 64)
	assert.False(t, all.Meets(&gone))
	assert.Equal(t, Size-2, all.Len())
}
