// GET /metrics: everything that is counted, in Prometheus' text format. Control thread only.
#pragma once

#include <string>

#include "control/admin/tracks.hpp"
#include "control/change/control.hpp"

namespace sluice::admin {

class Scraper {
 public:
  // See Tracks::observe.
  void observe(const change::Control& control) { tracks_.observe(*control.snapshot()); }
  std::string scrape(change::Control& control);

 private:
  Tracks tracks_;
};

// With more backends than this in all, their own series are left out: each has a dozen.
inline constexpr std::size_t kMostBackendSeries = 1000;

}  // namespace sluice::admin
