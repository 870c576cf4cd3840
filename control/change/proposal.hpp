// A change that somebody asks for, as Committer::commit() needs it.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/protocol/target.hpp"
#include "control/state/apply.hpp"
#include "proxy/worker/runtime.hpp"

namespace sluice::change {

// How the backends of a target are to be drained.
struct DrainWish {
  protocol::Target target;
  worker::TunnelPolicy tunnels;
  bool removing = false;
  std::uint32_t pace = 0;  // instead of `tunnels`: so many a second (paces.hpp); 0: no
};

struct Proposal {
  std::string verb;
  std::function<state::Result<state::Change>(const state::State&)> change;
  std::function<boost::json::value(const state::State&)> view;  // before and after, for the reply
  std::vector<std::string> notes;                               // sentences for the reply
  bool without_disk = false;   // C7: published even when the journal cannot be written
  bool resolve_first = false;  // the backends that it may bring back are looked up before
  std::optional<DrainWish> drain;
  std::vector<std::pair<std::string, std::string>> must_serve;  // C5 also for these, whatever share they get
  std::function<void()> before_publish;  // done when the change is in the journal and no worker knows it yet
};

inline Proposal named(std::string verb) {
  Proposal made;
  made.verb = std::move(verb);
  return made;
}

}  // namespace sluice::change
