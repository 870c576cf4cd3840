// Gives a rehearsal its traffic: a log's requests one by one, or a log's mixture drawn out to another rate.
// Pure; what is drawn by chance is decided by the seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/rehearse/log_book.hpp"
#include "control/rehearse/rehearsal.hpp"

namespace sluice::rehearse {

// What a canary does that the log does not know of: "errors=3%,p95=x1.4".
struct Fault {
  std::optional<double> errors;  // of its attempts, instead of what the log has
  double slower = 1;             // every answer takes so many times as long
  bool none() const { return !errors && slower == 1; }
};
Parsed<Fault> parse_fault(std::string_view text);

struct Traffic {
  const LogBook& log;
  std::size_t stable = 0;             // index into log.pools
  std::optional<std::size_t> canary;  // likewise; nothing: it answers as stable does
  Fault fault;
  std::uint64_t seed = 1;
};

// Each request goes to the pool that the step in force gives it. Where the log has both pools that is the one
// that it went to, as long as the share allows, with that answer. Else it is by the slot of its client's
// address (S4), or, without one or with few clients, by the exact split (S3). An answer that the log does not
// have is one of the last that the pool gave.
void replay(const Traffic& traffic, Rehearsal& rehearsal);

// `rate` requests a second for so many seconds: between two looks as many as fit, split exactly, whose errors
// and latencies are drawn from what the log had at that time; it begins again when it is over.
void draw_out(const Traffic& traffic, double rate, double seconds, Rehearsal& rehearsal);

}  // namespace sluice::rehearse
