// What the configuration can say already and this version cannot do yet. Refused, because a proxy that was
// told to use TLS must not serve in plain text. A feature that arrives deletes its lines here.
#pragma once

#include "proxy/config/complaint.hpp"

namespace sluice::config {

void refuse_unavailable(const Spec& spec, Complaints& out);

}  // namespace sluice::config
