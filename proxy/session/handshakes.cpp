#include "proxy/session/handshakes.hpp"

namespace sluice::session {

void HandshakeCounters::count(net::IoStatus status, const tls::Channel* channel) {
  using Failure = tls::Channel::Failure;
  if (status == net::IoStatus::canceled) return;
  if (status == net::IoStatus::timed_out) return slow.add();
  if (status == net::IoStatus::ok) {
    done.add();
    if (channel->resumed()) resumed.add();
    return;
  }
  switch (channel ? channel->failure() : Failure::none) {
    case Failure::protocol:
      return broken.add();
    case Failure::certificate:
      return untrusted.add();
    case Failure::closed:
    case Failure::none:
      return closed.add();
  }
}

}  // namespace sluice::session
