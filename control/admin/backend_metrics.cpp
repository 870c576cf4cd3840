#include "control/admin/backend_metrics.hpp"

#include <iterator>
#include <string>
#include <string_view>

namespace sluice::admin {
namespace {

using change::BackendView;

// One series a state, 1 for the one that is so: a change of state never leaves a stale series behind.
struct StateMetric {
  std::string_view name, help;
  std::string BackendView::*state;
  std::string_view states[4];
};
constexpr StateMetric kStates[] = {
    {"sluice_backend_admin_state",
     "The operator's state of a backend.",
     &BackendView::admin,
     {"ready", "draining", "drained", "maint"}},
    {"sluice_backend_health_state",
     "What probes and errors say of a backend.",
     &BackendView::health,
     {"unknown", "up", "down", "ejected"}},
};

struct NumberMetric {
  std::string_view name, type, help;
  Number (*read)(const BackendView& backend);
};
template <auto member>
Number of_backend(const BackendView& backend) {
  return backend.*member;
}
constexpr NumberMetric kNumbers[] = {
    {"sluice_backend_eligible", "gauge", "1 when the backend gets new requests.",
     of_backend<&BackendView::eligible>},
    {"sluice_backend_weight", "gauge", "The weight of a backend in its pool.",
     of_backend<&BackendView::weight>},
    {"sluice_backend_in_flight", "gauge", "Requests and tunnels under way.",
     of_backend<&BackendView::in_flight>},
    {"sluice_backend_connections", "gauge", "Open connections to the backend, idle ones included.",
     of_backend<&BackendView::connections>},
    {"sluice_backend_streams", "gauge", "Open HTTP/2 streams to the backend.",
     of_backend<&BackendView::streams>},
    {"sluice_backend_streams_refused_total", "counter",
     "HTTP/2 streams that the backend did not process (REFUSED_STREAM, GOAWAY).",
     of_backend<&BackendView::streams_refused>},
    {"sluice_backend_attempts_total", "counter", "Attempts, retries included.",
     of_backend<&BackendView::requests>},
    {"sluice_backend_errors_total", "counter",
     "Attempts that failed (5xx, connect, reset, timeout, protocol).", of_backend<&BackendView::errors>},
};

}  // namespace

BackendMetrics::BackendMetrics(Exposition& out, const change::StatusWriter& views)
    : out_(out), views_(views) {
  for (const auto& metric : kStates) {
    auto& [family, forms] = states_.emplace_back(States{out.family(metric.name, "gauge", metric.help), {}});
    for (const auto state : metric.states) forms.push_back(family.form({}, Labels{{"state", state}}));
  }
  for (const auto& metric : kNumbers) numbers_.push_back(&out.family(metric.name, metric.type, metric.help));
}

void BackendMetrics::add(const route::Service& service) {
  for (const auto& pool : service.pools)
    for (const auto& backend : views_.backends(service, pool))
      add(backend,
          out_.keep({{"service", service.spec.name}, {"pool", pool.name}, {"backend", backend.name}}));
}

void BackendMetrics::add(const BackendView& backend, LabelsId labels) {
  for (std::size_t i = 0; i < states_.size(); ++i)
    for (std::size_t state = 0; state < std::size(kStates[i].states); ++state)
      states_[i].family.add(backend.*kStates[i].state == kStates[i].states[state], labels,
                            states_[i].forms[state]);
  for (std::size_t i = 0; i < numbers_.size(); ++i) numbers_[i]->add(kNumbers[i].read(backend), labels);
}

}  // namespace sluice::admin
