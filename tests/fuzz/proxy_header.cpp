// The PROXY protocol's header: the verdict does not depend on how the bytes are cut, and what is read is
// written and read again as the same.
#include "proxy/net/proxy_protocol.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {

using HeaderStatus = net::ProxyHeader::Status;

void proxy_header(std::string_view bytes) {
  const auto whole = net::read_proxy_header(bytes);
  bool decided = false;
  for (std::size_t n = 0; n <= bytes.size() && n <= net::kMaxProxyHeader && !decided; ++n) {
    const auto part = net::read_proxy_header(bytes.substr(0, n));
    decided = part.status != HeaderStatus::more;
    if (decided)
      require(part.status == whole.status && part.size == whole.size, "the verdict depends on the cut");
  }
  if (bytes.size() >= net::kMaxProxyHeader)
    require(whole.status != HeaderStatus::more, "a header without end");
  if (whole.status != HeaderStatus::done) return;
  require(decided && whole.size <= bytes.size() && whole.size <= net::kMaxProxyHeader, "a size that came");
  if (whole.local) return;
  for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
    net::ProxyHeaderText storage;
    const auto again = net::read_proxy_header(net::write_proxy_header(version, &whole.ends, storage));
    require(again.status == HeaderStatus::done && !again.local, "what is written is a header");
    require(again.ends.source == whole.ends.source && again.ends.destination == whole.ends.destination,
            "the ends stay what they are");
  }
}

}  // namespace sluice::fuzz
