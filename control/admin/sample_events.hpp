// `event: sample` of the stream of events. Control thread only.
#pragma once

#include <string>

#include "control/change/sampler.hpp"

namespace sluice::admin {

class SampleEvents {
 public:
  // Of this service, or of all when the name is empty: that one is made once for all who ask in half a
  // second.
  std::string event(const change::Sampler& sampler, const std::string& service);

 private:
  std::string of_all_;
  io::Clock::time_point made_{};
};

}  // namespace sluice::admin
