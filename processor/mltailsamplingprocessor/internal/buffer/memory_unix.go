//go:build unix

package buffer

import "syscall"

// allocate returns empty memory of a size, outside the heap. On the heap it
// would count twice: the garbage collector lets the heap grow to double of what
// is in use.
func allocate(size int) []byte {
	data, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic("mltailsampling: no memory: " + err.Error()) // as Go does when the heap cannot grow
	}
	return data[:0:size]
}

// free gives the memory back to the system. Nothing may refer to it any more.
func free(data []byte) {
	if err := syscall.Munmap(data[:cap(data)]); err != nil {
		panic("mltailsampling: free memory: " + err.Error()) // it was not allocated here
	}
}
