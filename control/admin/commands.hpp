// The admin API: finds the endpoint that a call names, sees that the caller may, and lets it answer. Control
// thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "control/admin/call.hpp"
#include "control/admin/sample_events.hpp"
#include "control/admin/scrape.hpp"
#include "control/change/control.hpp"

namespace sluice::admin {

class Commands {
 public:
  // `control` outlives it.
  explicit Commands(change::Control& control) : control_(control) {}

  // Never throws; what goes wrong is a problem reply.
  boost::asio::awaitable<Reply> run(Call call);

  // Attributes what was counted until now to the tracks that pools were on until now: after each change.
  void follow_tracks() { scraper_.follow(control_); }
  boost::asio::awaitable<std::unique_ptr<Pieces>> scrape() { return scraper_.scrape(control_); }
  // Of the stream of events, of this service or of all; all who ask in the same moment get the same one.
  std::string sample_event(const std::string& service) { return samples_.event(control_.samples(), service); }
  change::Control& control() { return control_; }

 private:
  change::Control& control_;
  Scraper scraper_;
  SampleEvents samples_;
};

}  // namespace sluice::admin
