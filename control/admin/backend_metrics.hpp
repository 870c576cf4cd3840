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
  // A family with a form for each state.
  struct States {
    Family& family;
    std::vector<Family::Form> forms;
  };
  void add(const change::BackendView& backend, LabelsId labels);

  Exposition& out_;
  const change::StatusWriter& views_;
  std::vector<States> states_;
  std::vector<Family*> numbers_;
};

}  // namespace sluice::admin
