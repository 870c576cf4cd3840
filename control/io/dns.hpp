// Questions to /etc/hosts and the name servers, by c-ares on the control loop: nothing here blocks. Control
// thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/route/snapshot.hpp"

namespace sluice::io {

struct NameQuestion {
  std::string name;
  bool services = false;  // for SRV records, else for addresses (A and AAAA)
};

// One SRV record (RFC 2782).
struct Service {
  std::string host;
  std::uint16_t port = 0, priority = 0, weight = 0;
  bool operator==(const Service&) const = default;
};

struct Found {
  std::vector<route::Endpoint> addresses;  // without their ports; by RFC 6724's preference
  std::vector<Service> services;
  std::chrono::seconds ttl{0};  // how long it may be believed; 0 for what /etc/hosts says
  std::string error;  // a clause; empty: it was answered, and there is at least one of what was asked for
};
using Answered = std::function<void(Found)>;
// Answers later, never from inside the call.
using LookUp = std::function<void(NameQuestion, Answered)>;

class Dns {
 public:
  // `servers`: "127.0.0.1:53", "[::1]:53"; none: the system's, read anew when /etc/resolv.conf changes.
  explicit Dns(boost::asio::any_io_executor loop, std::vector<std::string> servers = {});
  ~Dns();  // what was not answered never is

  void use(std::vector<std::string> servers);
  void ask(NameQuestion question, Answered answered);

 private:
  class Channel;
  void open();
  bool stale() const;

  boost::asio::any_io_executor loop_;
  std::vector<std::string> servers_;
  std::shared_ptr<Channel> channel_;
  std::int64_t read_at_ = 0;  // when resolv.conf was written that channel_ has read
};

}  // namespace sluice::io
