// The process whose place this one takes: what it hands over, what it is told, and what it tells of the
// clients that it has left. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "control/handoff/channel.hpp"
#include "control/handoff/parcel.hpp"
#include "control/protocol/status.hpp"

namespace sluice::handoff {

inline constexpr char kChannelVariable[] = "SLUICE_HANDOFF";  // in the environment: a descriptor
inline constexpr char kReady[] = "ready", kFailed[] = "failed: ";

// What the one that leaves tells of itself.
std::string text_of(const protocol::PredecessorStatus& status);

class Predecessor {
 public:
  // Nothing when this process was started like any other. Takes the variable out of the environment.
  static std::optional<Predecessor> from_environment();

  // An error text, or empty.
  std::string receive(Parcel& parcel);
  void tell_ready() const { channel_.send(kReady); }
  void tell_failed(const std::string& why) const { channel_.send(kFailed + why); }

  // Nothing once it has ended.
  const std::optional<protocol::PredecessorStatus>& status() const { return status_; }
  // Until it has ended.
  boost::asio::awaitable<void> follow(boost::asio::any_io_executor loop);

 private:
  explicit Predecessor(int descriptor) : channel_(descriptor) {}
  bool take_word();

  Channel channel_;
  std::optional<protocol::PredecessorStatus> status_;
};

}  // namespace sluice::handoff
