package unrecognised

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func seen(name string, times int64) Seen { return Seen{Span{"shop", "scope", name, false}, times} }

func TestFewNamesAreCountedExactly(t *testing.T) {
	var table Table
	for range 7 {
		table.Add([]Seen{seen("b", 1), seen("a", 2)})
	}
	assert.Equal(t, []Seen{seen("a", 14), seen("b", 7)}, table.Frequent())
}

// TestNewService: a service that has just begun is shown beside one that sends much.
func TestNewService(t *testing.T) {
	var table Table
	table.Add([]Seen{seen("busy", 1_000_000), seen("new", 1)})
	assert.Equal(t, []Seen{seen("busy", 1_000_000), seen("new", 1)}, table.Frequent())
}

// TestFrequentNamesSurviveRareOnes: names with an ID in them neither push out frequent ones nor are shown.
func TestFrequentNamesSurviveRareOnes(t *testing.T) {
	var table Table
	for i := range 10_000 {
		table.Add([]Seen{seen(fmt.Sprint("GET /users/", i), 1), seen("checkout", 1)})
	}
	frequent := table.Frequent()
	require.Len(t, frequent, 1)
	assert.Equal(t, "checkout", frequent[0].Name)
	assert.EqualValues(t, 10_000, frequent[0].Times)
	assert.Len(t, table.counts, size)
}

func TestLongNamesAreCutToValidUTF8(t *testing.T) {
	var table Table
	table.Add([]Seen{seen(strings.Repeat("é", 25_000), 1), seen(strings.Repeat("é", 25_001), 1), seen("x"+strings.Repeat("é", 100), 1)})
	frequent := table.Frequent()
	require.Len(t, frequent, 2)
	assert.EqualValues(t, 2, frequent[0].Times)
	for _, s := range frequent {
		assert.LessOrEqual(t, len(s.Name), longest+3)
		assert.True(t, utf8.ValidString(s.Name))
	}
}
