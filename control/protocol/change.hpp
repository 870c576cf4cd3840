// What every change may say of itself, and the answer to every change. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/answer.hpp"
#include "control/protocol/fields.hpp"
#include "control/protocol/problem.hpp"

namespace sluice::protocol {

// ?dry_run=true, ?force=true (or a field of the body), ?reason=, ?step=, If-Match.
struct ChangeOptions {
  bool dry_run = false;
  bool force = false;  // publish although a pool that gets share has no eligible backend (C5)
  std::string reason;  // for the audit line
  std::optional<std::uint64_t> if_generation;
  // The change goes on with what generation N began, and undo takes both back together (C9). 0: on its own.
  std::uint64_t step = 0;
};

// The answer to every change. `before` and `after` have the shape of what the request's path names: of one
// service its shares ("blue":"95%"), of a backend its values, of everything else an object by service.
struct Changed {
  std::uint64_t generation = 0;  // the one in force now
  bool changed = false;
  bool dry_run = false;
  boost::json::value before, after;
  std::string undo;     // a command line; empty when nothing changed
  bool durable = true;  // false: in force, but the disk did not take it (C7)
  double took_ms = 0;
  boost::json::object more;  // what else the verb has to say: "drained", "conflicts", "warnings" ...
};
boost::json::object to_json(const Changed& changed);
std::optional<Problem> read(const boost::json::value& body, Changed& changed);

// How a drain ended (D3).
struct Drained {
  std::uint64_t clean = 0;   // finished by themselves
  std::uint64_t forced = 0;  // closed at the deadline
  milliseconds took{0};

  static void fields(auto& self, auto& visit) {
    visit("clean", self.clean);
    visit("forced", self.forced);
    visit("took_ms", self.took);
  }
};
boost::json::object to_json(const Drained& drained);

}  // namespace sluice::protocol
