package sim

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// handedOut are the addresses that this process gave away: each only once.
var handedOut sync.Map

// FreeAddress finds a port of this machine at which nobody listens. It lies below
// those that outgoing connections take, so that whoever goes away from it can come
// back.
func FreeAddress() (string, error) {
	l, err := listenFree()
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func listenFree() (net.Listener, error) {
	for range 200 {
		address := "127.0.0.1:" + strconv.Itoa(12000+rand.IntN(18000))
		if _, taken := handedOut.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			return l, nil
		}
	}
	return nil, errors.New("find a free port: none of 200 between 12000 and 30000 is")
}
