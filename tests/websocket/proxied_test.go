// Compiled into a copy of somebody else's WebSocket tests (tests/integration/test_websocket_suite.py): their servers listen
// where the proxy expects its backends, and say that they are where the proxy is.
package websocket

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
)

// A listener that others are to reach through the proxy.
type proxiedListener struct {
	net.Listener
	proxy net.Addr
}

func (l proxiedListener) Addr() net.Addr { return l.proxy }

func unstarted(handler http.Handler, backend, proxy string) *httptest.Server {
	listener, err := net.Listen("tcp", os.Getenv(backend))
	if err != nil {
		panic(err)
	}
	address, err := net.ResolveTCPAddr("tcp", os.Getenv(proxy))
	if err != nil {
		panic(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = proxiedListener{listener, address}
	return server
}

func proxiedServer(handler http.Handler) *httptest.Server {
	server := unstarted(handler, "SUITE_BACKEND", "SUITE_PROXY")
	server.Start()
	return server
}

// The proxy ends TLS with the same certificate that this server shows to it.
func proxiedTLSServer(handler http.Handler) *httptest.Server {
	server := unstarted(handler, "SUITE_TLS_BACKEND", "SUITE_TLS_PROXY")
	pair, err := tls.LoadX509KeyPair(os.Getenv("SUITE_CERTIFICATE"), os.Getenv("SUITE_KEY"))
	if err != nil {
		panic(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	return server
}
