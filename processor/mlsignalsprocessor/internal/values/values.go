// Package values holds the values of one span, by attribute of the vocabulary.
//
// Call Reset for each span, Read for each of its attributes, then the Fill and
// Borrow methods for derived values, and Write once at the end. Forget removes
// references to the batch before the Values are pooled. Values belong to one
// goroutine at a time.
package values

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-ml/otelcol-ml/internal/vocab"
)

// Values are the values of one span. Numbers and bools (0 or 1) are in
// Number, strings in Text.
type Values struct {
	// Known has the attributes whose value was read or derived.
	Known Set
	// Invalid has the attributes of the span whose value is out of range or of a wrong type.
	Invalid Set
	// Coerced has the known attributes whose value has to change its type.
	Coerced Set
	// Derived has the known attributes that are not on the span yet.
	Derived Set
	// Borrowed has numbers of the other span of a join: they are used in
	// derivations and are never written.
	Borrowed Set

	Number [Size]float64
	// Text has the strings that were derived, changed their type, or are read by a derivation.
	Text [Size]string
	// onSpan are the attributes on the span, for Coerced.
	onSpan [Size]pcommon.Value
}

// Reset removes the values of the last span.
func (r *Values) Reset() {
	r.Known, r.Invalid, r.Coerced, r.Derived, r.Borrowed = Set{}, Set{}, Set{}, Set{}, Set{}
}

// Forget removes all references to the batch, so that pooled Values do not keep it alive.
func (r *Values) Forget() {
	r.Reset()
	clear(r.Text[:])
	clear(r.onSpan[:])
}

// textRead has the strings that derivations read. Others are not fetched, which
// would cost more than to record that they exist.
var textRead = Bits(Stage, ColdStartComponent)

// Read reads attribute i of the span. The first value of a key counts.
func (r *Values) Read(i int, v pcommon.Value) {
	if !r.Missing(i) {
		return
	}
	a := &vocab.Attributes[i]
	// Nearly every value has the type of its key.
	switch t := v.Type(); {
	case t == pcommon.ValueTypeDouble && a.Type == vocab.Double:
		f := v.Double()
		if !a.InRange(f) { // neither NaN nor an infinity is in a range
			r.Invalid.Add(i)
			return
		}
		r.Number[i] = f
	case t == pcommon.ValueTypeStr && a.Type == vocab.String:
		if textRead.Has(i) {
			if r.Text[i] = v.Str(); r.Text[i] == "" {
				return // empty texts count as missing
			}
		}
	case t == pcommon.ValueTypeInt && a.Type == vocab.Int:
		f := float64(v.Int())
		if !a.InRange(f) {
			r.Invalid.Add(i)
			return
		}
		r.Number[i] = f
	case t == pcommon.ValueTypeBool && a.Type == vocab.Bool:
		r.Number[i] = number(v.Bool())
	default:
		if !r.coerce(i, v) {
			r.Invalid.Add(i)
			return
		}
		r.Coerced.Add(i)
		r.onSpan[i] = v
	}
	r.Known.Add(i)
}

// coerce reads a value that has another type than its key.
func (r *Values) coerce(i int, v pcommon.Value) bool {
	a := &vocab.Attributes[i]
	switch a.Type {
	case vocab.Double:
		f, ok := vocab.ReadDouble(v)
		r.Number[i] = f
		return ok && a.InRange(f)
	case vocab.Int:
		n, ok := vocab.ReadInt(v)
		r.Number[i] = float64(n)
		return ok && a.InRange(float64(n))
	case vocab.Bool:
		b, ok := vocab.ReadBool(v)
		r.Number[i] = number(b)
		return ok
	default:
		switch v.Type() {
		case pcommon.ValueTypeInt, pcommon.ValueTypeDouble, pcommon.ValueTypeBool:
			r.Text[i] = v.AsString()
			return true
		}
		return false
	}
}

// Missing reports whether attribute i may be filled: it is not known, and the
// span does not carry anything under its key.
func (r *Values) Missing(i int) bool {
	if i < 64 {
		return (r.Known.low|r.Invalid.low)>>uint(i)&1 == 0
	}
	return (r.Known.high|r.Invalid.high)>>uint(i-64)&1 == 0
}

// Get returns a number of the span or a borrowed one. It returns 0 if there is
// none; Number then has that of an earlier span.
func (r *Values) Get(i int) (float64, bool) {
	if !r.Known.Has(i) && !r.Borrowed.Has(i) {
		return 0, false
	}
	return r.Number[i], true
}

// TextOf returns a text of the span, "" if it has none. The attributes are
// those of the span before Write.
func (r *Values) TextOf(i int, attrs pcommon.Map) string {
	if !r.Known.Has(i) {
		return ""
	}
	if textRead.Has(i) || r.Derived.Has(i) || r.Coerced.Has(i) {
		return r.Text[i]
	}
	v, _ := attrs.Get(vocab.Attributes[i].Key)
	return v.Str()
}

// IsTrue reports whether a bool is known to be true.
func (r *Values) IsTrue(i int) bool { return r.Known.Has(i) && r.Number[i] != 0 }

// Fill derives a number unless the span has a value under the key already. A
// value outside the attribute's range is not filled in.
func (r *Values) Fill(i int, f float64) {
	if r.Missing(i) && vocab.Attributes[i].InRange(f) {
		r.Number[i] = f
		r.add(i)
	}
}

// FillBool is Fill for a bool.
func (r *Values) FillBool(i int, b bool) {
	if r.Missing(i) {
		r.Number[i] = number(b)
		r.add(i)
	}
}

// FillText is Fill for a string.
func (r *Values) FillText(i int, s string) {
	if r.Missing(i) {
		r.ReplaceText(i, s)
	}
}

// ReplaceText is FillText for an attribute that is missing or empty on the span.
func (r *Values) ReplaceText(i int, s string) {
	r.Text[i] = s
	r.add(i)
}

// Drop removes derived values.
func (r *Values) Drop(s Set) {
	r.Known = r.Known.Without(s.And(r.Derived))
	r.Derived = r.Derived.Without(s)
}

// Borrow adds a number of another span, for derivations only.
func (r *Values) Borrow(i int, f float64) {
	if r.Missing(i) {
		r.Number[i] = f
		r.Borrowed.Add(i)
	}
}

func (r *Values) add(i int) {
	r.Known.Add(i)
	r.Derived.Add(i)
	r.Borrowed.Remove(i)
}

// Write writes coerced and derived values to the attributes of the span.
func (r *Values) Write(attrs pcommon.Map) {
	// Coerced values are handles into the map and must be written before it grows.
	for s := r.Coerced; !s.Empty(); {
		i := s.Pop()
		v := r.onSpan[i]
		switch vocab.Attributes[i].Type {
		case vocab.Double:
			v.SetDouble(r.Number[i])
		case vocab.Int:
			v.SetInt(int64(r.Number[i])) // exact: every valid count fits a double
		case vocab.Bool:
			v.SetBool(r.Number[i] != 0)
		case vocab.String:
			v.SetStr(r.Text[i])
		}
	}
	if r.Derived.Empty() {
		return
	}
	attrs.EnsureCapacity(attrs.Len() + r.Derived.Len())
	for s := r.Derived; !s.Empty(); {
		i := s.Pop()
		a := &vocab.Attributes[i]
		switch a.Type {
		case vocab.Double:
			attrs.PutDouble(a.Key, r.Number[i])
		case vocab.Int:
			attrs.PutInt(a.Key, int64(r.Number[i]))
		case vocab.Bool:
			attrs.PutBool(a.Key, r.Number[i] != 0)
		case vocab.String:
			attrs.PutStr(a.Key, r.Text[i])
		}
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
