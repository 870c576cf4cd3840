// The admin API's front: the unix socket, admin.http and admin.compat. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <string>
#include <vector>

#include "control/admin/commands.hpp"
#include "control/admin/connection.hpp"
#include "control/change/control.hpp"

namespace sluice::admin {

inline constexpr std::size_t kMostConnections = 256;

// One that is open here, or that another process has handed over.
struct ListeningSocket {
  std::string key;   // "admin.socket", "admin.http", "admin.compat"
  std::string bind;  // a path, or an address as configured
  int fd = -1;
};

class Server : public change::AdminListeners {
 public:
  // Both outlive the server; close() and a run of the loop come before its end.
  Server(boost::asio::io_context& loop, change::Control& control);
  ~Server() override;

  // An error text that names the address and the errno, or empty. After an error nothing is open. Takes the
  // sockets that were handed over: those that the configuration does not want are closed.
  std::string open(const config::AdminSpec& spec, std::vector<ListeningSocket> handed_over = {});
  // For another process; the descriptors stay ours.
  std::vector<ListeningSocket> listening() const;
  // Another process has them: no further connection is taken here, those that are open go on.
  void hand_over();
  // Ends all connections and removes the socket file.
  void close();

  // A reload, in two steps (change::AdminListeners).
  std::string prepare(const config::AdminSpec& next) override;
  void take() override;
  void forget() override;

  std::uint16_t http_port() const;    // 0 when admin.http is not open
  std::uint16_t compat_port() const;  // 0 when admin.compat is not open

 private:
  struct Listening;  // shared with the accepting coroutines, which may outlive the server by a turn of the
                     // loop

  void spawn(boost::asio::awaitable<void> work);

  boost::asio::io_context& loop_;
  std::shared_ptr<Listening> listening_;
};

}  // namespace sluice::admin
