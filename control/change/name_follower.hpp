// Names that stand for other addresses than before (H4). They are published at the same generation: nothing
// that an operator asked for is another now. Only an admin state that ends with its address is a change, and
// makes a generation. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>

#include "control/change/backend_health.hpp"
#include "control/change/committer.hpp"
#include "control/io/dns.hpp"
#include "control/io/resolver.hpp"

namespace sluice::change {

// The resolver of names, and what looks them up for it.
class Names {
 public:
  // `look_up` may be empty: then name servers are asked.
  Names(boost::asio::any_io_executor loop, const config::ResolveSpec& how, io::LookUp look_up);

  void ask_as(const config::ResolveSpec& how);
  io::Resolver& resolver() { return resolver_; }

 private:
  io::Dns dns_;
  const bool asks_dns_;
  io::Resolver resolver_;
};

class NameFollower {
 public:
  // All of them outlive this.
  NameFollower(const InForce& in_force, io::Resolver& resolver, Committer& committer, Drains& drains,
               Recorder& recorder);
  // From now on a name is looked up again when a probe or a request could not connect to its addresses.
  void listen(BackendHealth& health, worker::Workers& workers);

  // Until stop().
  boost::asio::awaitable<void> run();
  void stop();

 private:
  boost::asio::awaitable<void> publish_names();
  // The members whose addresses are gone have no admin state any more; nothing when there is none.
  std::optional<state::State> without_gone_members() const;
  void record_moves(const route::Snapshot& before, const route::Snapshot& after);

  const InForce& in_force_;
  io::Resolver& resolver_;
  Committer& committer_;
  Drains& drains_;
  Recorder& recorder_;
  bool stopped_ = false;
};

}  // namespace sluice::change
