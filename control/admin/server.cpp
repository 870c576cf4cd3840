#include "control/admin/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "control/admin/compat.hpp"
#include "control/admin/tcp_door.hpp"
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

}  // namespace

struct Server::Listening {
  Listening(asio::io_context& loop_, core::Control& control)
      : loop(loop_), commands(control), unix_socket(loop_) {}

  asio::io_context& loop;
  Commands commands;
  UnixAcceptor unix_socket;
  TcpDoor http{loop, "admin.http", Door::http};
  TcpDoor compat_door{loop, "admin.compat", Door::compat};
  std::optional<Compat> compat;  // with admin.compat
  std::string path;              // of the socket file, when it is ours
  std::vector<config::RoleSpec> roles;
  std::vector<std::weak_ptr<Connection>> connections;
  bool closed = false;

  asio::awaitable<void> accept_unix();
  asio::awaitable<void> accept_tcp(TcpDoor& door);
  asio::awaitable<void> watch_roles();
  void begin(asio::generic::stream_protocol::socket socket, Access access);
  void close();
};

asio::awaitable<void> Server::Listening::accept_unix() {
  asio::steady_timer pause(loop);
  while (!closed) {
    error_code error;
    auto socket = co_await unix_socket.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (closed) break;
    if (error) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    Access access;
    access.actor = peer_of(socket, roles);
    begin(asio::generic::stream_protocol::socket(std::move(socket)), std::move(access));
  }
}

asio::awaitable<void> Server::Listening::accept_tcp(TcpDoor& door) {
  asio::steady_timer pause(loop);
  while (!closed) {
    error_code error;
    auto socket = co_await door.acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (closed) break;
    if (error) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    socket.set_option(tcp::no_delay(true), error);
    Access access = door.access;
    access.actor.name = door.key + " " + socket.remote_endpoint(error).address().to_string();
    begin(asio::generic::stream_protocol::socket(std::move(socket)), std::move(access));
  }
}

// A cutover swaps the roles of two pools; what was counted before it belongs to the old ones (Roles).
asio::awaitable<void> Server::Listening::watch_roles() {
  auto& log = commands.control().events();
  std::uint64_t seen = log.last_id();
  commands.observe_roles();
  while (!closed) {
    const auto before = core::Clock::now();
    const bool more = co_await log.wait_after(seen, kLongWait);
    if (closed || (!more && core::Clock::now() - before < kLongWait / 2)) break;
    seen = log.last_id();
    commands.observe_roles();
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
  error_code ignored;
  unix_socket.close(ignored);
  http.close();
  compat_door.close();
  if (!path.empty()) ::unlink(path.c_str());
  for (const auto& weak : connections)
    if (const auto connection = weak.lock()) connection->close();
}

Server::Server(asio::io_context& loop, core::Control& control)
    : loop_(loop), listening_(std::make_shared<Listening>(loop, control)) {}

Server::~Server() { listening_->close(); }

void Server::close() { listening_->close(); }

// Whoever is told of the end keeps what the coroutine works with: the server may go before it has begun.
void Server::spawn(asio::awaitable<void> work) {
  asio::co_spawn(loop_, std::move(work), [kept = listening_](const std::exception_ptr&) {});
}

std::uint16_t Server::http_port() const { return listening_->http.port(); }
std::uint16_t Server::compat_port() const { return listening_->compat_door.port(); }

std::string Server::open(const config::AdminSpec& spec) {
  auto error = open_tcp(spec);
  if (error.empty()) error = listen_unix(listening_->unix_socket, spec);
  if (!error.empty()) {
    listening_->http.close();
    listening_->compat_door.close();
    return error;
  }
  listening_->path = spec.socket;
  listening_->roles = spec.roles;
  spawn(listening_->accept_unix());
  if (spec.http) spawn(listening_->accept_tcp(listening_->http));
  if (spec.compat) spawn(listening_->accept_tcp(listening_->compat_door));
  spawn(listening_->watch_roles());
  return {};
}

std::string Server::open_tcp(const config::AdminSpec& spec) {
  std::string error;
  if (spec.http) {
    listening_->http.access.bound_host = spec.http->bind.host;
    error = listening_->http.open(spec.http->bind, spec.http->token_file);
  }
  if (spec.compat && error.empty()) {
    listening_->compat.emplace(listening_->commands.control(), spec.compat->service);
    error = listening_->compat_door.open(spec.compat->bind, spec.compat->token_file);
  }
  return error;
}

}  // namespace sluice::admin
