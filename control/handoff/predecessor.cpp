#include "control/handoff/predecessor.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "proxy/base/denied.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::handoff {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr char kNews[] = "news ";

const json::value* field(const json::object& said, const char* key) { return said.if_contains(key); }

std::uint64_t number_in(const json::object& said, const char* key) {
  boost::system::error_code wrong;
  const auto* value = field(said, key);
  const auto number = value && value->is_number() ? value->to_number<std::uint64_t>(wrong) : 0;
  return wrong ? 0 : number;
}

}  // namespace

std::string text_of(const Word& word) {
  const auto& status = word.status;
  return json::serialize(json::object{{"pid", status.pid},
                                      {"connections", status.connections},
                                      {"requests", status.requests},
                                      {"oldest_ms", status.oldest.count()},
                                      {"oldest_path", status.oldest_path},
                                      {"under_way", word.under_way},
                                      {"followed", word.followed}});
}

std::optional<Word> word_in(std::string_view text) {
  boost::system::error_code wrong;
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // a client's path
  const json::value read = json::parse(text, wrong, {}, options);
  if (wrong || !read.is_object()) return std::nullopt;
  const json::object& said = read.get_object();
  Word word;
  word.status.pid = number_in(said, "pid");
  word.status.connections = number_in(said, "connections");
  word.status.requests = number_in(said, "requests");
  word.status.oldest = protocol::milliseconds(number_in(said, "oldest_ms"));
  if (const auto* path = field(said, "oldest_path"); path && path->is_string())
    word.status.oldest_path = path->get_string();
  if (const auto* under_way = field(said, "under_way"); under_way && under_way->is_object())
    word.under_way = under_way->get_object();
  word.followed = number_in(said, "followed");
  return word;
}

std::string text_of_news(std::uint64_t number, std::string_view news) {
  return kNews + std::to_string(number) + " " + std::string(news);
}

std::optional<News> news_in(std::string_view text) {
  if (!text.starts_with(kNews)) return std::nullopt;
  text.remove_prefix(sizeof kNews - 1);
  News news;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), news.number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return std::nullopt;
  news.text = text.substr(static_cast<std::size_t>(end - text.data()) + 1);
  return news;
}

std::optional<Predecessor> Predecessor::from_environment() {
  const char* const value = std::getenv(kChannelVariable);
  const std::string_view text = value ? value : "";
  int descriptor = -1;
  std::from_chars(text.data(), text.data() + text.size(), descriptor);
  ::unsetenv(kChannelVariable);
  if (descriptor < 0 || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
  return Predecessor(descriptor);
}

boost::system::result<std::optional<Predecessor>, std::string> Predecessor::asked_at(
    const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Predecessor found(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(found.channel_.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<Predecessor>();
    return path + ": cannot ask the daemon that may listen there for its place: " + why_denied(path, errno);
  }
  const Descriptors self({::pidfd_open(::getpid(), 0)});
  if (self.all().front() < 0 || !found.channel_.send(kAsks, self.all()))
    return path + ": cannot ask the daemon that listens there for its place: " + std::strerror(errno);
  return std::optional<Predecessor>(std::move(found));
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
  if (message->text.starts_with(kRefused)) {
    refused_ = true;
    if (on_refused) on_refused(message->text.substr(std::strlen(kRefused)));
    return false;
  }
  if (auto word = word_in(message->text)) {
    status_ = std::move(word->status);
    followed_ = std::max(followed_, word->followed);
    if (on_word) on_word(word->under_way);
    heard_->notify();
  }
  return true;
}

asio::awaitable<void> Predecessor::follow(asio::any_io_executor loop, std::function<void()> on_let_go) {
  heard_ = std::make_unique<io::Notifier>(loop);
  asio::posix::stream_descriptor readable(loop, copy_of(channel_.descriptor()));
  for (bool more = true; more;) {
    const auto [failure] = co_await readable.async_wait(asio::posix::stream_descriptor::wait_read,
                                                        asio::as_tuple(asio::use_awaitable));
    more = !failure && take_word();
    // Its first word, or its end, comes after that.
    if (!refused_ && on_let_go) std::exchange(on_let_go, nullptr)();
  }
  status_.reset();
  channel_.close();
  if (on_word) on_word(json::value());
  heard_->notify();
}

asio::awaitable<bool> Predecessor::tell(std::string news, std::chrono::milliseconds limit) {
  if (!status_ || !heard_) co_return true;
  const std::uint64_t number = ++told_;
  channel_.send_long(text_of_news(number, news));
  const auto until = io::Clock::now() + limit;
  while (status_ && followed_ < number) {
    if (io::Clock::now() >= until) co_return false;
    co_await heard_->wait_until(until);
  }
  co_return true;
}

}  // namespace sluice::handoff
