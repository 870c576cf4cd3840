// What /metrics tells of single backends. Control thread only.
#pragma once

#include <vector>

#include "control/admin/exposition.hpp"
#include "control/change/status_writer.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::admin {

class BackendMetrics {
 public:
  // Both outlive it.
  BackendMetrics(Exposition& out, const change::StatusWriter& views);
  void add(const route::Service& service);

 private:
  void add(const change::BackendView& backend, const Labels& labels);

  const change::StatusWriter& views_;
  std::vector<Family*> states_, numbers_;
};

}  // namespace sluice::admin
