// The process whose place this one takes: what it hands over, what it is told, and what it tells of the
// clients that it has left. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>

#include "control/handoff/channel.hpp"
#include "control/handoff/parcel.hpp"
#include "control/protocol/status.hpp"

namespace sluice::handoff {

inline constexpr char kChannelVariable[] = "SLUICE_HANDOFF";  // in the environment: a descriptor
// What it says: with the first comes a descriptor of the process (pidfd).
inline constexpr char kDetached[] = "process ", kReady[] = "ready", kFailed[] = "failed: ";

// What the one that leaves tells of itself.
std::string text_of(const protocol::PredecessorStatus& status);

class Predecessor {
 public:
  // Nothing when this process was started like any other. Takes the variable out of the environment.
  static std::optional<Predecessor> from_environment();

  // Goes on as another process, whose parent is whoever takes in orphans. systemd has to be the parent of the
  // service: else it neither waits for its drain nor sees its end. Before any thread is started.
  void detach() const;
  // An error text, or empty.
  std::string receive(Parcel& parcel);
  void tell_ready() const { channel_.send(kReady); }
  void tell_failed(const std::string& why) const { channel_.send(kFailed + why); }

  // Nothing once it has ended.
  const std::optional<protocol::PredecessorStatus>& status() const { return status_; }
  // Until it has ended. `on_let_go` is called once, when it has said to all the world who is in its place.
  boost::asio::awaitable<void> follow(boost::asio::any_io_executor loop, std::function<void()> on_let_go);

 private:
  explicit Predecessor(int descriptor) : channel_(descriptor) {}
  bool take_word();

  Channel channel_;
  std::optional<protocol::PredecessorStatus> status_;
};

}  // namespace sluice::handoff
