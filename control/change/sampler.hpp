// What the page follows of the services' traffic. It costs nothing while nobody asks. Control thread only.
#pragma once

#include <string>

#include "control/change/in_force.hpp"
#include "control/change/sliding_window.hpp"
#include "control/protocol/samples.hpp"

namespace sluice::change {

class Sampler {
 public:
  // Both outlive it.
  Sampler(const InForce& in_force, const SlidingWindow& recent) : in_force_(in_force), recent_(recent) {}

  // Of this service, or of all when the name is empty.
  protocol::Sample now(const std::string& service) const;
  // Requires: a service of that name.
  protocol::SampleHistory history(const std::string& service) const;

 private:
  protocol::ServiceSample sample_of(const route::Service& service, io::Clock::time_point now) const;

  const InForce& in_force_;
  const SlidingWindow& recent_;
};

}  // namespace sluice::change
