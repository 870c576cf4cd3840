// GET /metrics: everything that is counted, in Prometheus' text format. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "control/admin/tracks.hpp"
#include "control/change/control.hpp"

namespace sluice::admin {

class Scraper {
 public:
  // See Tracks::follow.
  void follow(const change::Control& control) { tracks_.follow(control.snapshot()); }
  // Of thousands of services in pieces, between which changes go their way.
  boost::asio::awaitable<std::string> scrape(change::Control& control);

 private:
  Tracks tracks_;
};

}  // namespace sluice::admin
