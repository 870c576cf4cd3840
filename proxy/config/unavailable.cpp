#include "proxy/config/unavailable.hpp"

namespace sluice::config {

void refuse_unavailable(const Spec& spec, Complaints& out) {
  for (const auto& listener : spec.listeners)
    if (listener.tls)
      out.add(listener.tls->place,
              "TLS is not available in this version, the listener would serve in plain text");
  for (const auto& service : spec.services)
    for (const auto& pool : service.pools)
      if (pool.tls)
        out.add(pool.tls->place,
                "TLS is not available in this version, its backends would be spoken to in plain text");
}

}  // namespace sluice::config
