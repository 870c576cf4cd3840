// The process whose place this one takes: what it hands over, what it is told, and what it tells of the
// clients that it has left. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control/handoff/channel.hpp"
#include "control/handoff/parcel.hpp"
#include "control/io/notifier.hpp"
#include "control/protocol/status.hpp"

namespace sluice::handoff {

inline constexpr char kChannelVariable[] = "SLUICE_HANDOFF";  // in the environment: a descriptor
// What it says: with the first comes a descriptor of the process (pidfd).
inline constexpr char kDetached[] = "process ", kReady[] = "ready", kFailed[] = "failed: ";
// What one says that nobody has started (door.hpp), with a descriptor of itself, and what it may be told.
inline constexpr char kAsks[] = "take over", kRefused[] = "refused: ";

// What the one that leaves tells of itself: `under_way` in its services, as change::set_elsewhere() reads it,
// and which of the news that came it has followed.
struct Word {
  protocol::PredecessorStatus status;
  boost::json::object under_way;
  std::uint64_t followed = 0;
};
std::string text_of(const Word& word);
// Nothing when it is none: a later daemon may say other things as well.
std::optional<Word> word_in(std::string_view text);

// A text for the one that leaves, numbered from 1.
std::string text_of_news(std::uint64_t number, std::string_view news);
struct News {
  std::uint64_t number = 0;
  std::string text;
};
std::optional<News> news_in(std::string_view text);

class Predecessor {
 public:
  // Nothing when this process was started like any other. Takes the variable out of the environment.
  static std::optional<Predecessor> from_environment();
  // The one that listens at `path` (door.hpp), asked to let this process take its place. Nothing when nobody
  // does; an error text when it cannot be asked.
  static boost::system::result<std::optional<Predecessor>, std::string> asked_at(const std::string& path);

  // Goes on as another process, whose parent is whoever takes in orphans. systemd has to be the parent of the
  // service: else it neither waits for its drain nor sees its end. Before any thread is started.
  void detach() const;
  // An error text, or empty.
  std::string receive(Parcel& parcel);
  void tell_ready() const { channel_.send(kReady); }
  void tell_failed(const std::string& why) const { channel_.send(kFailed + why); }

  // Nothing once it has ended.
  const std::optional<protocol::PredecessorStatus>& status() const { return status_; }
  // Until it has ended. `on_let_go` is called once, when it has said to all the world who is in its place;
  // `on_refused`, with its words, when it goes on instead, and then this process must not.
  boost::asio::awaitable<void> follow(boost::asio::any_io_executor loop, std::function<void()> on_let_go);
  // What it says is under way; null once it has ended. Set before follow().
  std::function<void(const boost::json::value& under_way)> on_word;
  std::function<void(const std::string& why)> on_refused;
  // Done when it has followed `news`, or has ended. False: not within `limit`. Requires: follow() runs.
  boost::asio::awaitable<bool> tell(std::string news, std::chrono::milliseconds limit);

 private:
  explicit Predecessor(int descriptor) : channel_(descriptor) {}
  bool take_word();

  Channel channel_;
  std::optional<protocol::PredecessorStatus> status_;
  bool refused_ = false;
  std::uint64_t told_ = 0, followed_ = 0;  // news
  std::unique_ptr<io::Notifier> heard_;    // while follow() runs
};

}  // namespace sluice::handoff
