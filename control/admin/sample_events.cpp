#include "control/admin/sample_events.hpp"

namespace sluice::admin {
namespace {

constexpr std::chrono::milliseconds kFresh{500};

// Without an id: what is missed is not made up for.
std::string event_of(const protocol::Sample& sample) {
  return "event: sample\ndata: " + to_text(sample) + "\n\n";
}

}  // namespace

std::string SampleEvents::event(const change::Sampler& sampler, const std::string& service) {
  if (!service.empty()) return event_of(sampler.now(service));
  const auto now = io::Clock::now();
  if (of_all_.empty() || now - made_ >= kFresh) {
    of_all_ = event_of(sampler.now(service));
    made_ = now;
  }
  return of_all_;
}

}  // namespace sluice::admin
