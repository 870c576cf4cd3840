// What the backends' addresses stand for (H4). IP literals and unix sockets are known at once; names are
// looked up, and again when their time to live is over. Once known, a name keeps its last answer while
// look-ups fail. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/io/dns.hpp"
#include "control/io/notifier.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::io {

// Of an IP literal or a unix socket; nothing for what has to be looked up.
std::optional<route::Endpoint> literal(const Address& address);
// "127.0.0.1:9001", "[::1]:9001", "unix:/run/app.sock".
std::string to_string(const route::Endpoint& endpoint);

// One of the addresses of a name, and what SRV records say of it.
struct Member {
  route::Endpoint endpoint;
  double part = 1;         // of the backend's weight; of one tier they add up to 1
  std::uint16_t tier = 0;  // 0 for the lowest SRV priority there is
  std::string authority;   // "HOST:PORT" of the SRV record
};

// Many methods, most of them private steps of one look-up: what they work on, the records of a name, is
// shared by all of them.
class Resolver {
 public:
  using SystemClock = std::chrono::system_clock;
  static constexpr std::chrono::milliseconds kLimit{2000};  // a change is not held up longer by a name server

  Resolver(boost::asio::any_io_executor loop, LookUp look);
  ~Resolver();

  // How soon and how late at the latest a name is looked up again.
  void limits(std::chrono::milliseconds min, std::chrono::milliseconds max);

  // What is known now: all addresses; none when it is not known.
  std::vector<route::Endpoint> find(const std::string& address) const;
  std::vector<Member> members(const std::string& address) const;
  // "cannot be resolved: 'web': ..."; empty when it is known.
  std::string error_of(const std::string& address) const;

  // How an answer came to be in force.
  struct Standing {
    std::string error;                             // of the last look-up; empty when it succeeded
    std::optional<SystemClock::time_point> since;  // the addresses in force are known since then
    std::optional<SystemClock::time_point> stale;  // look-ups fail since then
  };
  // Nothing for what is not looked up.
  std::optional<Standing> standing(const std::string& address) const;

  // A sentence for each name whose look-ups fail, with the time since when.
  std::vector<std::string> troubles() const;

  // Keeps looking at the names of these and forgets all others.
  void keep(const std::vector<std::string>& addresses);
  // Looks up the names that are not known yet, all at once; at most kLimit. What comes later is known later.
  boost::asio::awaitable<void> resolve(std::vector<std::string> addresses);
  // No connection could be made there: looked up again at once, or as soon as `min` after the last time.
  void hurry(const std::string& address);

  // Answers that differed from the one before, so far; changed() is notified with each.
  std::uint64_t changes() const { return changes_; }
  Notifier& changed() { return notifier_; }
  // A sentence when look-ups of a name begin to fail, and when they succeed again.
  std::function<void(const std::string& text)> on_notice;

 private:
  struct Name {
    NameQuestion question;
    Found answer;  // in force: the last good one
    Standing standing;
    bool asked = false;  // a look-up is under way
    bool kept = false;   // to be looked at again and again
    int failures = 0;    // in a row
    Clock::time_point last_asked{}, due{};
  };

  static std::string key_of(const Address& address);
  Name& name(const std::string& key);
  const Name* find_name(const std::string& key) const;
  void keep_name(const std::string& key);
  void ask(const std::string& key);
  void arrived(const std::string& key, Found found);
  bool take_in(Name& name, Found found);
  void failed(Name& name, const std::string& error);
  void schedule();
  void look();
  bool all_settled(const std::vector<std::string>& addresses) const;
  bool is_settled(const std::string& key) const;

  boost::asio::any_io_executor loop_;
  LookUp look_;
  std::chrono::milliseconds min_ = config::ResolveSpec().min, max_ = config::ResolveSpec().max;
  Notifier notifier_;
  boost::asio::steady_timer timer_;
  std::map<std::string, Name> names_;  // by host, and by "srv:NAME"
  std::uint64_t changes_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sluice::io
