package aggregate

import (
	"math/bits"
	"unsafe"
)

// Constants of wyhash: odd, with as many ones as zeros.
const (
	prime1 = 0xa0761d6478bd642f
	prime2 = 0xe7037ed1a0b428db
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hashString continues a hash with a string, in the manner of wyhash. Label
// values are short: the runtime's hash spends more on the call than on the bytes.
// The seed is random, and whoever uses the hash compares the strings as well.
func hashString(h uint64, s string) uint64 {
	n := uintptr(len(s))
	p := unsafe.Pointer(unsafe.StringData(s))
	var a, b uint64
	switch {
	case n > 16:
		for i := n; i > 16; i -= 16 {
			h = mix(load8(p)^prime1, load8(unsafe.Add(p, 8))^h)
			p = unsafe.Add(p, 16)
		}
		end := unsafe.Add(unsafe.Pointer(unsafe.StringData(s)), n-16)
		a, b = load8(end), load8(unsafe.Add(end, 8))
	case n >= 8:
		a, b = load8(p), load8(unsafe.Add(p, n-8))
	case n >= 4:
		a, b = load4(p), load4(unsafe.Add(p, n-4))
	case n > 0:
		a = uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
	}
	return mix(a^prime1, b^prime2^(h+uint64(n)*prime2))
}

// scatter evens out the bits of a hash. hashString's are even enough for tables, not for estimates from them.
func scatter(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func load8(p unsafe.Pointer) uint64 { return *(*uint64)(p) }

func load4(p unsafe.Pointer) uint64 { return uint64(*(*uint32)(p)) }

// sameText is a == b without the call that the runtime makes, for the lengths that names and keys have.
func sameText(a, b string) bool {
	n := len(a)
	if n != len(b) {
		return false
	}
	if n < 8 || n > 32 {
		return a == b
	}
	p, q := unsafe.Pointer(unsafe.StringData(a)), unsafe.Pointer(unsafe.StringData(b))
	// Differences show at the ends first.
	d := (load8(unsafe.Add(p, n-8)) ^ load8(unsafe.Add(q, n-8))) | (load8(p) ^ load8(q))
	if n > 16 {
		d |= (load8(unsafe.Add(p, 8)) ^ load8(unsafe.Add(q, 8))) | (load8(unsafe.Add(p, n-16)) ^ load8(unsafe.Add(q, n-16)))
	}
	return d == 0
}
