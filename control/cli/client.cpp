#include "control/cli/client.hpp"

#include <grp.h>
#include <sys/stat.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "control/protocol/version.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using protocol::Exit;
using protocol::Problem;
using Error = beast::error_code;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kConnectLimit{5'000};
constexpr milliseconds kEventSilence{45'000};  // three of the daemon's heartbeats
constexpr milliseconds kTick{50};  // of what is done meanwhile; a key is answered before one notices

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 || errno == EACCES;
}

Problem unreachable(std::string detail, std::string suggestion) {
  return {0, Exit::unreachable, "daemon unreachable", std::move(detail), {}, std::move(suggestion)};
}

// How to be let in; what it advises works when it is typed.
Problem not_allowed(const std::string& path) {
  struct stat status {};
  const bool group_may =
      ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IWGRP) && status.st_gid != 0;
  const group* const owner = group_may ? ::getgrgid(status.st_gid) : nullptr;
  const std::string name = owner ? owner->gr_name : "";
  return unreachable("permission denied on the admin socket " + path,
                     owner ? "run this as root, or join the group " + name +
                                 " and log in again: sudo usermod -aG " + name + " $USER"
                           : "run this as root, or as the user that sluiced runs as");
}

// Which of the two it is decides what to do about it: not running, or not allowed.
Problem explain_socket(const std::string& path, const Error& error) {
  if (error == asio::error::access_denied) return not_allowed(path);
  if (error == boost::system::errc::no_such_file_or_directory)
    return unreachable(
        "there is no admin socket at " + path,
        "is sluiced running (systemctl status sluice)? Is its socket elsewhere (--socket, $SLUICE_SOCKET)?");
  if (error == asio::error::connection_refused)
    return unreachable("nobody listens on the admin socket " + path + ": sluiced is not running",
                       "start it: systemctl start sluice");
  return unreachable("cannot connect to the admin socket " + path + ": " + error.message(), {});
}

struct Url {
  std::string host, port;
};
std::optional<Url> parse_url(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  auto authority = text.substr(kScheme.size());
  if (authority.ends_with('/')) authority.pop_back();
  const auto address = parse_address(authority);
  if (!address) return std::nullopt;
  return Url{address->host, std::to_string(address->port)};
}

// The first line of the file.
std::optional<std::string> read_token(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

std::string target_of(const protocol::Sent& sent) { return sent.path + protocol::query_text(sent.query); }

}  // namespace

std::string socket_path(const std::string& given) {
  constexpr const char* kSystem = "/run/sluice/admin.sock";
  if (!given.empty()) return given;
  if (auto named = variable("SLUICE_SOCKET"); !named.empty()) return named;
  if (exists(kSystem)) return kSystem;
  const auto own = variable("XDG_RUNTIME_DIR");
  if (const auto path = own + "/sluice/admin.sock"; !own.empty() && exists(path)) return path;
  return kSystem;
}

// The asynchronous operations of a stream with a time limit, each run to its end.
struct Client::Connection {
  explicit Connection(const Meanwhile& meanwhile_) : meanwhile(meanwhile_) {}

  asio::io_context loop{1};
  beast::basic_stream<asio::generic::stream_protocol> stream{loop};
  beast::flat_buffer buffer;
  std::string where, host;  // for messages; for the Host field
  std::string token;
  const Meanwhile& meanwhile;

  void limit(std::optional<milliseconds> time) {
    if (time)
      stream.expires_after(*time);
    else
      stream.expires_never();
  }
  template <class Start>
  Error run(Start start) {
    Error result = asio::error::operation_aborted;
    start([&result](const Error& error, auto&&...) { result = error; });
    loop.restart();
    if (!meanwhile) loop.run();
    for (bool given_up = false; !loop.stopped();) {
      loop.run_for(kTick);
      if (loop.stopped() || given_up || meanwhile()) continue;
      given_up = true;
      stream.cancel();
    }
    return result;
  }
  Error connect(const asio::generic::stream_protocol::endpoint& endpoint) {
    limit(kConnectLimit);
    return run([&](auto done) { stream.async_connect(endpoint, std::move(done)); });
  }
  Error send(http::request<http::string_body>& request) {
    request.set(http::field::host, host);
    request.set(http::field::user_agent, "sluicectl/" + std::string(protocol::kVersion));
    if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
    request.prepare_payload();
    return run([&](auto done) { http::async_write(stream, request, std::move(done)); });
  }
  Problem broken(const Error& error, std::optional<milliseconds> time) const {
    if (error == beast::error::timeout)
      return {0,
              Exit::timed_out,
              "timed out",
              "no answer from " + where + " within " + duration_text(time.value_or(kConnectLimit)) +
                  "; what was asked for may still happen",
              {},
              "look: sluicectl status"};
    return unreachable("the connection to " + where + " broke: " + error.message(),
                       "is sluiced still running?");
  }
};

namespace {

std::optional<Problem> connect_unix(auto& connection, const std::string& path) {
  connection.where = path;
  connection.host = "sluice";
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return unreachable("the path of the admin socket is too long for the system: " + path, {});
  const auto error = connection.connect(asio::local::stream_protocol::endpoint(path));
  if (error) return explain_socket(path, error);
  return std::nullopt;
}

std::optional<Problem> connect_tcp(auto& connection, const std::string& text) {
  const auto url = parse_url(text);
  if (!url) return protocol::malformed(sluice::quoted(text) + " is no URL for this, write http://HOST:PORT");
  connection.where = text;
  connection.host =
      (url->host.find(':') == std::string::npos ? url->host : "[" + url->host + "]") + ":" + url->port;
  Error error;
  asio::ip::tcp::resolver resolver(connection.loop);
  const auto found = resolver.resolve(url->host, url->port, error);
  if (error) return unreachable("cannot resolve " + url->host + ": " + error.message(), {});
  for (const auto& entry : found)
    if (!(error = connection.connect(entry.endpoint()))) return std::nullopt;
  return unreachable("cannot connect to " + text + ": " + error.message(), "is admin.http bound there?");
}

// A problem, unless the status is one of success.
Result<Answer> judge(Answer answer) {
  Error failed;
  answer.body = json::parse(answer.text, failed);
  if (failed) answer.body = nullptr;
  if (answer.status >= 200 && answer.status < 300) return answer;
  return protocol::problem_from(answer.body, answer.status);
}

// What of `pending` are whole events is handed on; false when `on_event` has had enough.
bool hand_on(std::string& pending, const std::function<bool(const std::string&)>& on_event) {
  for (auto end = pending.find("\n\n"); end != std::string::npos; end = pending.find("\n\n")) {
    const auto event = pending.substr(0, end + 1);
    pending.erase(0, end + 2);
    constexpr std::string_view kData = "data: ";
    for (std::size_t at = 0; at < event.size();) {
      const auto line = std::string_view(event).substr(at, event.find('\n', at) - at);
      if (line.starts_with(kData) && !on_event(std::string(line.substr(kData.size())))) return false;
      at += line.size() + 1;
    }
  }
  return true;
}

}  // namespace

std::optional<Problem> Client::connect(Connection& connection) {
  if (globals_.url.empty()) return connect_unix(connection, socket_path(globals_.socket));
  if (!globals_.token_file.empty()) {
    const auto token = read_token(globals_.token_file);
    if (!token) return protocol::malformed("cannot read the token file " + globals_.token_file);
    connection.token = *token;
  }
  return connect_tcp(connection, globals_.url);
}

Result<Answer> Client::call(const Call& call) {
  Connection connection(meanwhile_);
  if (auto problem = connect(connection)) return *problem;
  http::request<http::string_body> request(http::string_to_verb(call.sent.method), target_of(call.sent), 11);
  if (call.if_match) request.set(http::field::if_match, "\"" + std::to_string(*call.if_match) + "\"");
  if (call.sent.body) {
    request.set(http::field::content_type, "application/json");
    request.body() = json::serialize(*call.sent.body);
  }
  connection.limit(call.limit);
  if (const auto error = connection.send(request)) return connection.broken(error, call.limit);
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  const auto error = connection.run(
      [&](auto done) { http::async_read(connection.stream, connection.buffer, parser, std::move(done)); });
  if (error) return connection.broken(error, call.limit);
  Answer answer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body()), nullptr};
  return call.any_status ? answer : judge(std::move(answer));
}

std::optional<Problem> Client::events(const protocol::Events& message,
                                      const std::function<bool(const std::string&)>& on_event) {
  Connection connection(meanwhile_);
  if (auto problem = connect(connection)) return problem;
  http::request<http::string_body> request(http::verb::get, target_of(send(message)), 11);
  request.set("Last-Event-ID", std::to_string(message.after.value_or(0)));
  connection.limit(kEventSilence);
  if (const auto error = connection.send(request)) return connection.broken(error, kEventSilence);
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  auto error = connection.run([&](auto done) {
    http::async_read_header(connection.stream, connection.buffer, parser, std::move(done));
  });
  std::string pending;
  const bool good = !error && parser.get().result() == http::status::ok;
  while (!error && !parser.is_done()) {
    char piece[4096];
    parser.get().body().data = piece;
    parser.get().body().size = sizeof piece;
    connection.limit(kEventSilence);
    error = connection.run([&](auto done) {
      http::async_read_some(connection.stream, connection.buffer, parser, std::move(done));
    });
    if (error == http::error::need_buffer) error = {};
    pending.append(piece, sizeof piece - parser.get().body().size);
    if (good && !hand_on(pending, on_event)) return std::nullopt;
  }
  if (error) return connection.broken(error, kEventSilence);
  if (good) return std::nullopt;
  return judge({static_cast<int>(parser.get().result_int()), std::move(pending), nullptr}).error();
}

}  // namespace sluice::cli
