// Keeps a certificate for each listener that asks for one (`tls: {acme: ...}`): one order at a time, each
// when it is due, and on any failure the certificate that is there stays in force. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/acme/holding.hpp"
#include "control/acme/host.hpp"
#include "control/acme/order.hpp"
#include "control/io/notifier.hpp"
#include "control/io/resolver.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::acme {

class Keeper {
 public:
  // All of them outlive this. `random`: 64 bits.
  Keeper(boost::asio::any_io_executor loop, Host& host, io::Resolver& resolver, state::FileSystem& files,
         std::function<std::uint64_t()> random);

  // The configuration in force is this one. Certificates that are in the state folder are in force when it
  // returns.
  void follow(const config::Spec& spec);
  // What has failed is tried now, unless the server wants patience.
  void hurry();
  // Until stop().
  boost::asio::awaitable<void> run();
  void stop();

  const std::map<std::string, Holding>& holdings() const { return holdings_; }  // by listener

 private:
  struct Work;  // an order under way
  Holding* find(const std::string& listener);
  void adopt(Holding& holding);
  double draw();
  boost::asio::awaitable<void> order(std::string listener);
  std::unique_ptr<Work> begin(const std::string& listener, Failure& failure);
  boost::asio::awaitable<Next> carry_out(Work& work);
  boost::asio::awaitable<void> ask_window(std::string listener);
  boost::asio::awaitable<Answer> ask(config::AcmeSpec spec, Question question);
  std::string take(const std::string& listener, const Key& key, const std::string& chain);
  void finish(const std::string& listener, const config::AcmeSpec& spec, Failure failure);

  const boost::asio::any_io_executor loop_;
  Host& host_;
  io::Resolver& resolver_;
  state::FileSystem& files_;
  const std::function<std::uint64_t()> random_;
  std::optional<Folder> folder_;  // from follow() on
  std::map<std::string, Holding> holdings_;
  io::Notifier changed_;
  boost::asio::steady_timer pause_;
  bool stopped_ = false;
};

}  // namespace sluice::acme
