// What the backends' addresses resolve to. IP literals are known at once; names are looked up by the system's
// resolver in a thread of their own, and again from time to time. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/core/bell.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::core {

// The address of a name, or why there is none. Runs in a thread of its own and may block.
struct Lookup {
  std::optional<route::Endpoint> endpoint;  // its port is not looked at
  std::string error;
};
using LookupFunction = std::function<Lookup(const std::string& host)>;
Lookup look_up(const std::string& host);  // getaddrinfo

// Of an IP literal; nothing for a name.
std::optional<route::Endpoint> literal(const Address& address);
// "127.0.0.1:9001", "[::1]:9001".
std::string to_string(const route::Endpoint& endpoint);

class Resolver {
 public:
  static constexpr std::chrono::milliseconds kLimit{2000};  // a change is not held up longer by a name server

  explicit Resolver(boost::asio::any_io_executor loop, LookupFunction look = look_up);
  ~Resolver();

  // What is known now. An address that once resolved keeps its last answer when a later look-up fails.
  std::optional<route::Endpoint> find(const std::string& address) const;
  // Why it is not known; empty when it is.
  std::string error_of(const std::string& address) const;

  // Looks up the names that are not known yet, all at once; at most kLimit. What comes later is known later.
  boost::asio::awaitable<void> resolve(std::vector<std::string> addresses);
  // Looks all of `addresses` up again, forgets every other, and tells whether an answer is another than
  // before.
  boost::asio::awaitable<bool> refresh(std::vector<std::string> addresses);

 private:
  struct Name {
    Lookup answer;
    bool asked = false;  // a look-up is under way
  };
  // Outlives the resolver in the threads that are still looking up.
  struct Link;

  void ask(const std::string& host);
  void arrived(const std::string& host, Lookup answer);
  bool any_asked(const std::vector<std::string>& hosts) const;

  boost::asio::any_io_executor loop_;
  LookupFunction look_;
  Bell bell_;
  std::map<std::string, Name> names_;  // by host
  std::uint64_t changes_ = 0;          // answers that differed from the one before
  std::shared_ptr<Link> link_;
};

}  // namespace sluice::core
