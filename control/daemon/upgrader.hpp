// sluicectl upgrade, on the side of the process that leaves: checks the program, starts it with all that it
// cannot make itself, and lets go when it is ready. A process that was started elsewhere comes for the same
// by the door. Until then nothing has changed; when it dies later, while this process still has clients,
// another one is started. Control thread only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/admin/server.hpp"
#include "control/change/control.hpp"
#include "control/daemon/container.hpp"
#include "control/daemon/notify.hpp"
#include "control/handoff/door.hpp"
#include "control/handoff/predecessor.hpp"
#include "control/handoff/successor.hpp"
#include "proxy/worker/runtime.hpp"

namespace sluice::daemon {

class Upgrader final : public change::Upgrades {
 public:
  // All of them outlive it.
  struct Surroundings {
    boost::asio::io_context& loop;
    change::Control& control;
    admin::Server& admin;
    worker::Runtime& workers;
    Notify& notify;
  };
  // `program` is this process's own; `upgrades` led to it. Without a configuration file nothing can be
  // started.
  Upgrader(Surroundings surroundings, handoff::Program program, bool has_config_file, std::uint64_t upgrades);

  boost::asio::awaitable<change::Result<protocol::Changed>> upgrade(change::Invocation invocation,
                                                                    protocol::Upgrade message) override;
  std::optional<protocol::PredecessorStatus> predecessor() const override;
  std::uint64_t count() const override { return upgrades_; }
  boost::asio::awaitable<void> tell_predecessor(std::string news) override;

  // Another process asks for this one's place.
  boost::asio::awaitable<void> give_way(handoff::Visitor visitor);

  // The process whose place this one took; it outlives this. Null: none.
  void follow(handoff::Predecessor* predecessor);
  bool handed_over() const { return successor_ != nullptr; }
  // Requires: handed_over(). Tells the new process what is left here until `left` says that it is nothing,
  // and replaces it should it end before.
  boost::asio::awaitable<void> stand_by(std::function<bool()> left);
  // Requires: handed_over(). Until the end of a process that this one has started and whose container ends
  // with this one.
  boost::asio::awaitable<void> outlive_successor();
  // Whether it is such a process's to end as this one is asked to; then it is.
  bool pass_on_termination();

  std::function<void()> on_handed_over;

 private:
  struct UnderWay {  // while it lives no other upgrade begins
    explicit UnderWay(bool& flag) : flag_(flag) { flag_ = true; }
    ~UnderWay() { flag_ = false; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

   private:
    bool& flag_;
  };
  boost::asio::awaitable<change::Result<protocol::Changed>> try_to(const change::Invocation& invocation,
                                                                   const protocol::Upgrade& message);
  std::optional<protocol::Problem> refuse(const protocol::Upgrade& message) const;
  boost::asio::awaitable<std::optional<protocol::Problem>> check(const std::string& binary);
  std::optional<protocol::Problem> refuse_any() const;
  boost::asio::awaitable<std::string> start(std::string path, std::string program);
  boost::asio::awaitable<std::string> try_for(handoff::Visitor& visitor);
  boost::asio::awaitable<std::string> until_ready(
      boost::system::result<std::unique_ptr<handoff::Successor>, std::string> made);
  bool holds_successor_up() const;
  void let_go();
  handoff::Parcel pack() const;
  void add_knowledge(handoff::Parcel& parcel) const;
  boost::asio::awaitable<void> hear(std::shared_ptr<handoff::Successor> successor);
  boost::asio::awaitable<void> tell(handoff::Successor& successor) const;

  const Surroundings around_;
  const handoff::Program program_;
  const bool has_config_file_;
  const bool leads_container_ = leads_container();
  const std::uint64_t upgrades_;
  handoff::Predecessor* predecessor_ = nullptr;
  bool under_way_ = false;
  handoff::Parcel parcel_;                         // of the upgrade under way, and for a second try
  std::unique_ptr<handoff::Successor> starting_;   // not ready yet
  std::shared_ptr<handoff::Successor> successor_;  // has everything
  std::uint64_t followed_ = 0;                     // of its news, the last by which the workers route
};

}  // namespace sluice::daemon
