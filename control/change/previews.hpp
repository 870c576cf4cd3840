// Preview tokens (S8): the key that signs them, kept in the state folder, and their minting. Without the key
// there are no tokens: it is made when the first one is asked for, and until then no request is looked at for
// one. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>

#include "control/change/committer.hpp"
#include "control/protocol/traffic.hpp"

namespace sluice::change {

class Previews {
 public:
  // All of them outlive this. `random` gives 64 random bits.
  Previews(const InForce& in_force, Publisher& publisher, Committer& committer, Recorder& recorder,
           state::FileSystem& files, std::function<std::uint64_t()> random);

  // Reads the key, if there is one. An error text, or empty.
  std::string open();
  // No change of the state: a token that works until it expires, with an audit line.
  boost::asio::awaitable<Result<protocol::PreviewToken>> mint(Invocation invocation,
                                                              protocol::MintPreview message);

 private:
  std::optional<protocol::Problem> make_key();

  const InForce& in_force_;
  Publisher& publisher_;  // has the key
  Committer& committer_;
  Recorder& recorder_;
  state::FileSystem& files_;
  std::function<std::uint64_t()> random_;
};

}  // namespace sluice::change
