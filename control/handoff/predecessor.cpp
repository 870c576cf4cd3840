#include "control/handoff/predecessor.hpp"

#include <fcntl.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::handoff {

namespace asio = boost::asio;
namespace json = boost::json;

std::string text_of(const protocol::PredecessorStatus& status) {
  return json::serialize(json::object{{"pid", status.pid},
                                      {"connections", status.connections},
                                      {"requests", status.requests},
                                      {"oldest_ms", status.oldest.count()},
                                      {"oldest_path", status.oldest_path}});
}

namespace {

// Nothing when it is none: a later daemon may say other things as well.
std::optional<protocol::PredecessorStatus> status_in(const std::string& text) {
  boost::system::error_code wrong;
  const json::value said = json::parse(text, wrong);
  if (wrong || !said.is_object()) return std::nullopt;
  const auto number = [&](const char* key) -> std::uint64_t {
    const auto* value = said.as_object().if_contains(key);
    return value && value->is_number() ? value->to_number<std::uint64_t>(wrong) : 0;
  };
  protocol::PredecessorStatus status;
  status.pid = number("pid");
  status.connections = number("connections");
  status.requests = number("requests");
  status.oldest = protocol::milliseconds(number("oldest_ms"));
  if (const auto* path = said.as_object().if_contains("oldest_path"); path && path->is_string())
    status.oldest_path = path->as_string();
  return status;
}

}  // namespace

std::optional<Predecessor> Predecessor::from_environment() {
  const char* const value = std::getenv(kChannelVariable);
  const std::string_view text = value ? value : "";
  int descriptor = -1;
  std::from_chars(text.data(), text.data() + text.size(), descriptor);
  ::unsetenv(kChannelVariable);
  if (descriptor < 0 || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
  return Predecessor(descriptor);
}

void Predecessor::detach() const {
  const pid_t child = ::fork();
  if (child > 0) ::_exit(0);
  if (child < 0) return;  // a service that nobody waits for is better than none
  const std::string who = kDetached + std::to_string(::getpid());
  const int self = ::pidfd_open(::getpid(), 0);
  if (self < 0 || !channel_.send(who, {&self, 1})) channel_.send(who);  // and is refused
  ::close(self);
}

std::string Predecessor::receive(Parcel& parcel) {
  std::string error = handoff::receive(channel_, parcel);
  if (error.empty()) status_.emplace().pid = parcel.from;
  return error;
}

// False: the other side is gone.
bool Predecessor::take_word() {
  const auto message = channel_.receive(std::chrono::milliseconds(0));
  if (!message) return !channel_.is_over();
  if (auto status = status_in(message->text)) status_ = std::move(status);
  return true;
}

asio::awaitable<void> Predecessor::follow(asio::any_io_executor loop, std::function<void()> on_let_go) {
  asio::posix::stream_descriptor readable(loop, copy_of(channel_.descriptor()));
  for (bool more = true; more; more = more && take_word()) {
    const auto [failure] = co_await readable.async_wait(asio::posix::stream_descriptor::wait_read,
                                                        asio::as_tuple(asio::use_awaitable));
    more = !failure;
    // Its first word, or its end, comes after that.
    if (on_let_go) std::exchange(on_let_go, nullptr)();
  }
  status_.reset();
  channel_.close();
}

}  // namespace sluice::handoff
