package proc

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from below those that systems give to outgoing connections, from 32768 on Linux: one of them could be
// taken by a connection between the moment it is found free and the moment it is listened on.
const (
	lowestPort  = 15_000
	highestPort = 32_000
)

var given struct {
	sync.Mutex
	ports map[int]bool
}

// FreeAddress returns a loopback address, host:port, that nothing listens on, and that it has not returned before.
func FreeAddress() (string, error) {
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = map[int]bool{}
	}
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if !given.ports[port] && IsFree(address) {
			given.ports[port] = true
			return address, nil
		}
	}
	return "", errors.New("no free port on 127.0.0.1 after 1000 tries")
}

// IsFree reports whether an address, host:port, can be listened on.
func IsFree(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
