#include "control/admin/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "control/admin/compat.hpp"
#include "control/admin/tcp_listener.hpp"
#include "control/admin/unix_socket.hpp"

namespace sluice::admin {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kAcceptPause{
    100};  // out of descriptors: others get a chance to give some back
constexpr std::chrono::hours kLongWait{24};
constexpr char kSocketKey[] = "admin.socket";

}  // namespace

// The socket file, of which there is one at a time; it goes with its listener.
struct UnixListener {
  explicit UnixListener(asio::io_context& loop) : acceptor(loop) {}
  UnixAcceptor acceptor;
  std::string path;  // empty: not ours
  void close() {
    error_code ignored;
    acceptor.close(ignored);
    if (!path.empty()) ::unlink(path.c_str());
    path.clear();
  }
};

// What a configuration opens. A listener that the next configuration has as well is shared by both.
struct Listeners {
  config::AdminSpec spec;
  std::shared_ptr<UnixListener> unix_listener;
  std::shared_ptr<TcpListener> http, compat;  // null: none
  TokenFile http_tokens, compat_tokens;
};

struct Server::Listening {
  Listening(asio::io_context& loop_, change::Control& control) : loop(loop_), commands(control) {}

  asio::io_context& loop;
  Commands commands;
  Listeners now;
  std::optional<Listeners> next;  // prepared, not in force
  // Of all connections, also of those whose listener is gone.
  TokenFile http_tokens, compat_tokens;
  std::optional<Compat> compat;  // once there was an admin.compat
  std::vector<std::weak_ptr<Connection>> connections;
  std::vector<ListeningSocket> handed_over;  // by another process, and not used yet
  bool closed = false;

  std::string prepare(const config::AdminSpec& spec);
  std::string open_unix(Listeners& listeners);
  std::string open_tcp(std::shared_ptr<TcpListener>& listener, const std::shared_ptr<TcpListener>& before,
                       const Address& bind, const char* key, ListenerKind kind);
  net::Ours own_sockets() const;
  int take_handed_over(std::string_view key, const std::string& bind);
  void drop_handed_over();
  std::vector<ListeningSocket> listening() const;
  void forget();

  asio::awaitable<void> accept_unix(std::shared_ptr<UnixListener> listener);
  asio::awaitable<void> accept_tcp(std::shared_ptr<TcpListener> listener);
  asio::awaitable<void> watch_tracks();
  void begin(std::shared_ptr<TcpListener> listener, tcp::socket socket);
  void begin(asio::generic::stream_protocol::socket socket, Access access);
  void leave(const std::shared_ptr<TcpListener>& listener);
  void close();
};

std::string Server::Listening::prepare(const config::AdminSpec& spec) {
  forget();
  next.emplace();
  next->spec = spec;
  std::string error;
  if (spec.http) {
    if (error = next->http_tokens.open(spec.http->token_file); !error.empty()) error = "admin.http: " + error;
    if (error.empty())
      error = open_tcp(next->http, now.http, spec.http->bind, "admin.http", ListenerKind::http);
  }
  if (spec.compat && error.empty()) {
    if (error = next->compat_tokens.open(spec.compat->token_file); !error.empty())
      error = "admin.compat: " + error;
    if (error.empty())
      error = open_tcp(next->compat, now.compat, spec.compat->bind, "admin.compat", ListenerKind::compat);
  }
  if (error.empty()) error = open_unix(*next);
  if (!error.empty()) forget();
  return error;
}

std::string Server::Listening::open_unix(Listeners& listeners) {
  if (now.unix_listener && now.spec.socket == listeners.spec.socket) {
    listeners.unix_listener = now.unix_listener;
    return {};
  }
  listeners.unix_listener = std::make_shared<UnixListener>(loop);
  if (const int fd = take_handed_over(kSocketKey, listeners.spec.socket); fd >= 0) {
    if (::access(listeners.spec.socket.c_str(), F_OK) != 0) {  // nobody would find it any more
      ::close(fd);
      return open_unix(listeners);
    }
    listeners.unix_listener->acceptor.assign(Local(), fd);
    listeners.unix_listener->path = listeners.spec.socket;
    return {};
  }
  auto error = listen_unix(listeners.unix_listener->acceptor, listeners.spec);
  if (error.empty()) listeners.unix_listener->path = listeners.spec.socket;
  return error;
}

std::string Server::Listening::open_tcp(std::shared_ptr<TcpListener>& listener,
                                        const std::shared_ptr<TcpListener>& before, const Address& bind,
                                        const char* key, ListenerKind kind) {
  if (before && before->bind == bind.text) {
    listener = before;
    return {};
  }
  listener = std::make_shared<TcpListener>(loop, key, kind,
                                           kind == ListenerKind::http ? http_tokens : compat_tokens);
  if (const int fd = take_handed_over(key, bind.text); fd >= 0) return listener->adopt(fd, bind);
  const auto ours = own_sockets();
  return listener->open(bind, ours);
}

// -1: none of that name and address was.
int Server::Listening::take_handed_over(std::string_view key, const std::string& bind) {
  const auto found = std::find_if(handed_over.begin(), handed_over.end(), [&](const ListeningSocket& one) {
    return one.key == key && one.bind == bind;
  });
  if (found == handed_over.end()) return -1;
  const int fd = found->fd;
  handed_over.erase(found);
  return fd;
}

void Server::Listening::drop_handed_over() {
  for (const ListeningSocket& one : std::exchange(handed_over, {})) {
    ::close(one.fd);
    if (one.key == kSocketKey) ::unlink(one.bind.c_str());
  }
}

std::vector<ListeningSocket> Server::Listening::listening() const {
  std::vector<ListeningSocket> all;
  if (now.unix_listener)
    all.push_back({kSocketKey, now.unix_listener->path, now.unix_listener->acceptor.native_handle()});
  for (const auto& listener : {now.http, now.compat})
    if (listener && listener->is_open())
      all.push_back({listener->key, listener->bind, listener->acceptor.native_handle()});
  return all;
}

net::Ours Server::Listening::own_sockets() const {
  net::Ours ours;
  const auto add = [&all = ours.sockets](const std::shared_ptr<TcpListener>& listener) {
    if (listener && listener->is_open()) all.push_back(listener->acceptor.native_handle());
  };
  add(now.http);
  add(now.compat);
  if (next) add(next->http);
  return ours;
}

void Server::Listening::forget() {
  if (!next) return;
  if (next->http && next->http != now.http) next->http->close();
  if (next->compat && next->compat != now.compat) next->compat->close();
  if (next->unix_listener && next->unix_listener != now.unix_listener) next->unix_listener->close();
  next.reset();
}

asio::awaitable<void> Server::Listening::accept_unix(std::shared_ptr<UnixListener> listener) {
  asio::steady_timer pause(loop);
  while (!closed && listener->acceptor.is_open()) {
    error_code error;
    auto socket = co_await listener->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (closed || !listener->acceptor.is_open()) break;
    if (error) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    Access access;
    access.actor = peer_of(socket, now.spec.roles);
    begin(asio::generic::stream_protocol::socket(std::move(socket)), std::move(access));
  }
}

asio::awaitable<void> Server::Listening::accept_tcp(std::shared_ptr<TcpListener> listener) {
  asio::steady_timer pause(loop);
  while (!closed && listener->is_open()) {
    error_code error;
    auto socket = co_await listener->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (closed) break;
    if (error && !listener->is_open()) break;
    if (error) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    begin(listener, std::move(socket));
  }
}

void Server::Listening::begin(std::shared_ptr<TcpListener> listener, tcp::socket socket) {
  error_code error;
  socket.set_option(tcp::no_delay(true), error);
  Access access = listener->access;
  access.actor.name = listener->key + " " + socket.remote_endpoint(error).address().to_string();
  begin(asio::generic::stream_protocol::socket(std::move(socket)), std::move(access));
}

// Whoever has connected is still served.
void Server::Listening::leave(const std::shared_ptr<TcpListener>& listener) {
  error_code error;
  listener->acceptor.non_blocking(true, error);
  while (!error) {
    tcp::socket socket(loop);
    listener->acceptor.accept(socket, error);
    if (!error) begin(listener, std::move(socket));
  }
  listener->close();
}

// A cutover swaps the tracks of two pools; what was counted before it belongs to the old ones (Tracks).
asio::awaitable<void> Server::Listening::watch_tracks() {
  co_await commands.control().started();
  auto& log = commands.control().events();
  std::uint64_t seen = log.last_id();
  commands.follow_tracks();
  while (!closed) {
    const auto before = io::Clock::now();
    const bool more = co_await log.wait_after(seen, kLongWait);
    if (closed || (!more && io::Clock::now() - before < kLongWait / 2)) break;
    seen = log.last_id();
    commands.follow_tracks();
  }
}

void Server::Listening::begin(asio::generic::stream_protocol::socket socket, Access access) {
  std::erase_if(connections, [](const auto& connection) { return connection.expired(); });
  if (connections.size() >= kMostConnections) return;  // closed with `socket`
  auto connection = std::make_shared<Connection>(std::move(socket), commands, compat ? &*compat : nullptr,
                                                 std::move(access));
  connections.push_back(connection);
  asio::co_spawn(loop, connection->run(), asio::detached);
}

void Server::Listening::close() {
  if (closed) return;
  closed = true;
  forget();
  if (now.unix_listener) now.unix_listener->close();
  if (now.http) now.http->close();
  if (now.compat) now.compat->close();
  for (const auto& weak : connections)
    if (const auto connection = weak.lock()) connection->close();
}

Server::Server(asio::io_context& loop, change::Control& control)
    : loop_(loop), listening_(std::make_shared<Listening>(loop, control)) {}

Server::~Server() { listening_->close(); }

void Server::close() { listening_->close(); }

// Whoever is told of the end keeps what the coroutine works with: the server may go before it has begun.
void Server::spawn(asio::awaitable<void> work) {
  asio::co_spawn(loop_, std::move(work), [kept = listening_](const std::exception_ptr&) {});
}

std::uint16_t Server::http_port() const { return listening_->now.http ? listening_->now.http->port() : 0; }
std::uint16_t Server::compat_port() const {
  return listening_->now.compat ? listening_->now.compat->port() : 0;
}

std::string Server::open(const config::AdminSpec& spec, std::vector<ListeningSocket> handed_over) {
  listening_->handed_over = std::move(handed_over);
  auto error = prepare(spec);
  if (error.empty()) listening_->drop_handed_over();
  if (!error.empty()) return error;
  take();
  spawn(listening_->watch_tracks());
  return {};
}

std::vector<ListeningSocket> Server::listening() const { return listening_->listening(); }

// The socket file is the other process's now.
void Server::hand_over() {
  auto& all = *listening_;
  all.forget();
  if (all.now.unix_listener) {
    all.now.unix_listener->path.clear();
    all.now.unix_listener->close();
  }
  for (const auto& listener : {all.now.http, all.now.compat})
    if (listener) listener->close();
  for (const auto& weak : all.connections)
    if (const auto connection = weak.lock()) connection->leave();
}

std::string Server::prepare(const config::AdminSpec& spec) { return listening_->prepare(spec); }
void Server::forget() { listening_->forget(); }

// Connections that are open go on; the tokens and roles of whoever asks next are the new ones.
void Server::take() {
  auto& all = *listening_;
  if (!all.next) return;
  const Listeners before = std::exchange(all.now, std::move(*all.next));
  all.next.reset();
  all.http_tokens = all.now.http_tokens;
  all.compat_tokens = all.now.compat_tokens;
  if (all.now.spec.compat) {
    if (all.compat)
      all.compat->serve(all.now.spec.compat->service);
    else
      all.compat.emplace(all.commands.control(), all.now.spec.compat->service);
  }
  if (all.now.unix_listener != before.unix_listener) {
    spawn(all.accept_unix(all.now.unix_listener));
    if (before.unix_listener) before.unix_listener->close();
  } else {
    set_access(all.now.spec);
  }
  if (all.now.http && all.now.http != before.http) spawn(all.accept_tcp(all.now.http));
  if (all.now.compat && all.now.compat != before.compat) spawn(all.accept_tcp(all.now.compat));
  if (before.http && before.http != all.now.http) all.leave(before.http);
  if (before.compat && before.compat != all.now.compat) all.leave(before.compat);
}

}  // namespace sluice::admin
