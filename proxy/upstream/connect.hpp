// How a connection to a backend begins. Worker only.
#pragma once

#include "proxy/base/network.hpp"
#include "proxy/base/task.hpp"
#include "proxy/observe/worker_counters.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/upstream/connection.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::upstream {

// TCP or a unix socket; then the PROXY header where the pool wants one, ahead of everything else; then TLS
// where the backend has it. Afterwards the first request may go out. All of it takes `limit` at most, which
// stays set on conn.stream. The backend's addresses are tried in turn, beginning with the last that answered;
// each gets an equal part of the time that is left (H4). On failure without a descriptor (stream.fd() < 0)
// none was left; with stream.tls() it was the handshake. `speaks_for`: the ends of the client's connection,
// null when it is for nobody in particular. What is passed outlives the wait.
Task<net::IoStatus> connect(Connection& conn, const route::Backend& to, ProxyVersion proxy_protocol,
                            const SocketAddresses* speaks_for, std::chrono::milliseconds limit);

// The same for a request to `target`, its handshake counted; ok: the next message may be read and written.
Task<Connected> open_connection(Connection& conn, const Target& target,
                                observe::HandshakeCounters& handshakes);

}  // namespace sluice::upstream
