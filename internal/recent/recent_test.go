package recent

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var start = time.Unix(1_700_000_000, 0)

func TestRemembersTheKeysUsedLast(t *testing.T) {
	const size = 100
	m := New[int, int](size, 0)
	var used []int // distinct, the last used one last
	use := func(key int) {
		for i, k := range used {
			if k == key {
				used = append(used[:i], used[i+1:]...)
				break
			}
		}
		used = append(used, key)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		key := random.IntN(400)
		if random.IntN(2) == 0 {
			m.Put(key, key*2, start)
			use(key)
		} else if v, ok := m.Get(key, start); ok {
			assert.Equal(t, key*2, v)
			use(key)
		}
		assert.LessOrEqual(t, m.Len(), 2*size)
	}
	for _, key := range used[len(used)-size:] {
		_, ok := m.newer[key]
		if !ok {
			_, ok = m.older[key]
		}
		assert.True(t, ok, "key %d was used among the last %d", key, size)
	}
}

func TestForgetsAfterTheTTL(t *testing.T) {
	m := New[string, bool](10, time.Hour)
	m.Put("a", true, start)
	_, ok := m.Get("a", start.Add(59*time.Minute))
	assert.True(t, ok)
	_, ok = m.Get("a", start.Add(118*time.Minute))
	assert.True(t, ok, "last used an hour ago at most")
	m.Put("b", true, start.Add(118*time.Minute))
	_, ok = m.Get("a", start.Add(6*time.Hour))
	assert.False(t, ok)
	assert.Zero(t, m.Len())
}

// TestExpireForgetsWhatNothingUses: Get and Put are not called.
func TestExpireForgetsWhatNothingUses(t *testing.T) {
	m := New[string, bool](10, time.Hour)
	m.Put("a", true, start)
	m.Expire(start.Add(59 * time.Minute))
	m.Expire(start.Add(61 * time.Minute))
	assert.Equal(t, 1, m.Len())
	m.Expire(start.Add(122 * time.Minute))
	assert.Zero(t, m.Len())
	assert.EqualValues(t, 1, m.Forgotten())
}

func TestDelete(t *testing.T) {
	m := New[string, int](1, 0)
	m.Put("a", 1, start)
	m.Put("b", 2, start)
	m.Delete("a")
	m.Delete("b")
	_, ok := m.Get("a", start)
	assert.False(t, ok)
	_, ok = m.Get("b", start)
	assert.False(t, ok)
}

func TestPutAgainReplacesTheValue(t *testing.T) {
	m := New[string, int](1, 0)
	m.Put("a", 1, start)
	m.Put("a", 2, start)
	v, ok := m.Get("a", start)
	assert.True(t, ok)
	assert.Equal(t, 2, v)
	m.Put("b", 1, start) // "a" is in the older generation
	m.Put("a", 3, start)
	v, _ = m.Get("a", start)
	assert.Equal(t, 3, v)
}
