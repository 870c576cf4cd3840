// How much /metrics tells of a service. Where there are many, of one to which nothing has happened it tells
// the shares of its pools and that they had no request; so that a thousand of them are a few lines each. What
// has happened once is told of from then on, with its zeros. Control thread only.
#pragma once

#include <cstdint>

#include "proxy/route/snapshot.hpp"

namespace sluice::admin {

enum class Scale : std::uint8_t {
  small,          // so few services that all is told of each
  many_services,  // each backend has its own series wherever there is traffic
  many_backends,
};

observe::Told told_of(const route::Service& service, Scale scale);

}  // namespace sluice::admin
