// How much /metrics tells of a service. Of one to which nothing has happened it tells the shares of its pools
// and that they had no request; so that a thousand of them are a few lines each. What has happened once is
// told of from then on, with its zeros. Control thread only.
#pragma once

#include "proxy/route/snapshot.hpp"

namespace sluice::admin {

// `few`: there are so few backends that each has its own series wherever there is traffic.
observe::Told told_of(const route::Service& service, bool few);

}  // namespace sluice::admin
