#include "control/core/probe.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

#include "control/core/secured.hpp"
#include "control/core/socket.hpp"
#include "proxy/base/values.hpp"

namespace sluice::core {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMostHead = 16 * 1024;
constexpr std::size_t kMostRest = 64 * 1024;
constexpr std::chrono::milliseconds kRestTime{
    50};  // a backend that ignores `Connection: close` delays no verdict for long

bool is_ours(const error_code& failure) {
  using namespace boost::system::errc;
  return failure == too_many_files_open || failure == too_many_files_open_in_system ||
         failure == no_buffer_space || failure == address_not_available || failure == not_enough_memory;
}

ProbeResult failed(const std::string& step, const error_code& failure) {
  return {false, is_ours(failure), step + ": " + failure.message()};
}

// What follows the head is read, so that the backend's last write does not meet a closed connection.
template <class Stream>
asio::awaitable<void> read_the_rest(Stream& stream, tcp::socket& socket) {
  const SocketLimit limit(socket, kRestTime);
  char scrap[4096];
  for (std::size_t read = 0; read < kMostRest;) {
    const auto [failure, n] = co_await stream.async_read_some(asio::buffer(scrap), kToken);
    if (failure) break;
    read += n;
  }
}

// The request and its answer on a stream that is ready for them, over `socket`.
template <class Stream>
asio::awaitable<ProbeResult> ask(Stream& stream, tcp::socket& socket, const SocketLimit& limit,
                                 const std::string& address, const config::HealthCheckSpec& spec) {
  const ProbeResult late{false, false, "no answer within " + format_duration(spec.timeout)};
  const std::string request = probe_request(address, spec);
  const auto [no_write, written] = co_await asio::async_write(stream, asio::buffer(request), kToken);
  if (limit.expired()) co_return late;
  if (no_write) co_return failed("write", no_write);
  std::string head;
  auto buffer = asio::dynamic_buffer(head, kMostHead);
  const auto [no_read, read] = co_await asio::async_read_until(stream, buffer, "\r\n\r\n", kToken);
  if (limit.expired()) co_return late;
  if (no_read) co_return failed("read", no_read);
  const ProbeResult result = judge(head, spec);
  co_await read_the_rest(stream, socket);
  co_return result;
}

}  // namespace

std::optional<int> status_of(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return std::nullopt;
  int status = 0;
  const auto [end, failure] = std::from_chars(line.data() + 9, line.data() + 12, status);
  const bool whole = failure == std::errc() && end == line.data() + 12;
  if (!whole || status < 100 || (line.size() > 12 && line[12] != ' ' && line[12] != '\r'))
    return std::nullopt;
  return status;
}

ProbeResult judge(std::string_view head, const config::HealthCheckSpec& spec) {
  const auto status = status_of(head.substr(0, head.find('\n')));
  if (!status) return {false, false, "the answer is not HTTP/1.1"};
  const bool expected = *status >= spec.expect_low && *status <= spec.expect_high;
  return {expected, false, "status " + std::to_string(*status)};
}

std::string probe_request(const std::string& address, const config::HealthCheckSpec& spec) {
  return "GET " + spec.path + " HTTP/1.1\r\nHost: " + (spec.host.empty() ? address : spec.host) +
         "\r\nUser-Agent: sluice-health\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

asio::awaitable<ProbeResult> probe(asio::any_io_executor loop, route::Endpoint endpoint, std::string address,
                                   config::HealthCheckSpec spec, ProxyVersion proxy_protocol,
                                   std::shared_ptr<const tls::ClientContext> tls) {
  tcp::socket socket(loop);
  const SocketLimit limit(socket, spec.timeout);
  const ProbeResult late{false, false, "no answer within " + format_duration(spec.timeout)};
  const auto to = to_asio(endpoint);
  const auto [no_connect] = co_await socket.async_connect(to, kToken);
  if (limit.expired()) co_return late;
  if (no_connect) co_return failed("connect", no_connect);
  const error_code unsaid = co_await announce(socket, proxy_protocol);
  if (limit.expired()) co_return late;
  if (unsaid) co_return failed("write", unsaid);
  if (!tls) co_return co_await ask(socket, socket, limit, address, spec);
  std::string error;
  const auto secured = co_await secure(socket, tls, address, error);
  if (limit.expired()) co_return late;
  if (!secured) co_return ProbeResult{false, false, error};
  co_return co_await ask(*secured, socket, limit, address, spec);
}

}  // namespace sluice::core
