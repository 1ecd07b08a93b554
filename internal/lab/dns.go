package lab

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// ServeDNS is a name server on loopback, over UDP and TCP at one port, until the test ends.
func ServeDNS(t testing.TB, handler dns.Handler) (address string) {
	t.Helper()
	packets, conns, err := listenBoth(t)
	for errors.Is(err, syscall.EADDRINUSE) { // the port is free for UDP, not for TCP
		packets, conns, err = listenBoth(t)
	}
	check(t, err)
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: conns, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return packets.LocalAddr().String()
}

func listenBoth(t testing.TB) (packets net.PacketConn, conns net.Listener, err error) {
	var lc net.ListenConfig
	if packets, err = lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	if conns, err = lc.Listen(t.Context(), "tcp", packets.LocalAddr().String()); err != nil {
		_ = packets.Close()
		return nil, nil, err
	}
	return packets, conns, nil
}
