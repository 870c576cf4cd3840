#include "proxy/net/handshakes.hpp"

namespace sluice::net {

void count_handshake(observe::HandshakeCounters& counters, IoStatus status, const tls::Channel* channel) {
  using Failure = tls::Channel::Failure;
  if (status == IoStatus::canceled) return;
  if (status == IoStatus::timed_out) return counters.slow.add();
  if (status == IoStatus::ok) {
    counters.done.add();
    if (channel->resumed()) counters.resumed.add();
    return;
  }
  switch (channel ? channel->failure() : Failure::none) {
    case Failure::protocol:
      return counters.broken.add();
    case Failure::certificate:
      return counters.untrusted.add();
    case Failure::closed:
    case Failure::none:
      return counters.closed.add();
  }
}

}  // namespace sluice::net
