// GET /metrics: everything that is counted, in Prometheus' text format. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "control/admin/pieces.hpp"
#include "control/admin/tracks.hpp"
#include "control/change/control.hpp"

namespace sluice::admin {

class Scraper {
 public:
  // See Tracks::follow.
  void follow(const change::Control& control) { tracks_.follow(control.snapshot()); }
  // Thousands of services are asked a few at once, changes go their way in between. What is asked for here
  // is printed when it is sent.
  boost::asio::awaitable<std::unique_ptr<Pieces>> scrape(change::Control& control);

 private:
  Tracks tracks_;
};

}  // namespace sluice::admin
