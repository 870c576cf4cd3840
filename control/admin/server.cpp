#include "control/admin/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>

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

std::string failure(const std::string& address, const std::string& what, const error_code& error) {
  return "admin.http " + address + ": " + what + ": " + error.message() + " (errno " +
         std::to_string(error.value()) + ")";
}

}  // namespace

struct Server::Listening : std::enable_shared_from_this<Listening> {
  Listening(asio::io_context& loop_, core::Control& control)
      : loop(loop_), commands(control), unix_socket(loop_), http(loop_) {}

  asio::io_context& loop;
  Commands commands;
  UnixAcceptor unix_socket;
  tcp::acceptor http;
  std::string path;    // of the socket file, when it is ours
  Access http_access;  // what connections over TCP may do
  std::vector<std::weak_ptr<Connection>> connections;
  bool closed = false;

  asio::awaitable<void> accept_unix();
  asio::awaitable<void> accept_http();
  asio::awaitable<void> watch_roles();
  void begin(asio::generic::stream_protocol::socket socket, Access access);
  void close();
};

asio::awaitable<void> Server::Listening::accept_unix() {
  const auto self = shared_from_this();
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
    access.actor = peer_of(socket);
    begin(asio::generic::stream_protocol::socket(std::move(socket)), std::move(access));
  }
}

asio::awaitable<void> Server::Listening::accept_http() {
  const auto self = shared_from_this();
  asio::steady_timer pause(loop);
  while (!closed) {
    error_code error;
    auto socket = co_await http.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (closed) break;
    if (error) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    socket.set_option(tcp::no_delay(true), error);
    begin(asio::generic::stream_protocol::socket(std::move(socket)), http_access);
  }
}

// A cutover swaps the roles of two pools; what was counted before it belongs to the old ones (Roles).
asio::awaitable<void> Server::Listening::watch_roles() {
  const auto self = shared_from_this();
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
  auto connection = std::make_shared<Connection>(std::move(socket), commands, std::move(access));
  connections.push_back(connection);
  asio::co_spawn(loop, connection->run(), asio::detached);
}

void Server::Listening::close() {
  if (closed) return;
  closed = true;
  error_code ignored;
  unix_socket.close(ignored);
  http.close(ignored);
  if (!path.empty()) ::unlink(path.c_str());
  for (const auto& weak : connections)
    if (const auto connection = weak.lock()) connection->close();
}

Server::Server(asio::io_context& loop, core::Control& control)
    : loop_(loop), listening_(std::make_shared<Listening>(loop, control)) {}

Server::~Server() { listening_->close(); }

void Server::close() { listening_->close(); }

std::uint16_t Server::http_port() const {
  error_code error;
  const auto endpoint = listening_->http.local_endpoint(error);
  return error ? 0 : endpoint.port();
}

std::string Server::open(const config::AdminSpec& spec) {
  if (spec.http)
    if (auto error = open_http(*spec.http); !error.empty()) return error;
  if (auto error = listen_unix(listening_->unix_socket, spec.socket, spec.socket_mode); !error.empty()) {
    error_code ignored;
    listening_->http.close(ignored);
    return error;
  }
  listening_->path = spec.socket;
  asio::co_spawn(loop_, listening_->accept_unix(), asio::detached);
  if (spec.http) asio::co_spawn(loop_, listening_->accept_http(), asio::detached);
  asio::co_spawn(loop_, listening_->watch_roles(), asio::detached);
  return {};
}

std::string Server::open_http(const config::AdminHttpSpec& spec) {
  auto& access = listening_->http_access;
  access.over_tcp = true;
  access.bound_host = spec.bind.host;
  if (!spec.token_file.empty()) {
    std::ifstream in(spec.token_file);
    if (!std::getline(in, access.secret)) return "admin.http: cannot read a token from " + spec.token_file;
    access.secret.erase(access.secret.find_last_not_of(" \t\r") + 1);
    if (access.secret.empty())
      return "admin.http: the first line of " + spec.token_file + " is empty, it must be the token";
    access.actor.token = std::filesystem::path(spec.token_file).filename();
  }
  error_code error;
  tcp::resolver resolver(loop_);
  const auto found =
      resolver.resolve(spec.bind.host, std::to_string(spec.bind.port), tcp::resolver::passive, error);
  if (error) return failure(spec.bind.text, "cannot resolve", error);
  const tcp::endpoint endpoint = *found.begin();
  auto& acceptor = listening_->http;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return {};
  error_code ignored;
  acceptor.close(ignored);
  return failure(spec.bind.text, "cannot listen", error);
}

}  // namespace sluice::admin
