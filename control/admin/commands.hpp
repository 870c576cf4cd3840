// A function per verb of the admin API: reads the message, asks Control, writes the answer. Control thread
// only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "control/admin/call.hpp"
#include "control/admin/routes.hpp"
#include "control/admin/scrape.hpp"
#include "control/change/control.hpp"

namespace sluice::admin {

class Commands {
 public:
  // `control` outlives it.
  explicit Commands(change::Control& control) : control_(control) {}

  // Never throws; what goes wrong is a problem reply.
  boost::asio::awaitable<Reply> run(Call call);

  // Attributes what was counted until now to the roles that pools had until now: after each change, and at
  // each scrape.
  void observe_roles() { scraper_.observe(control_); }
  change::Control& control() { return control_; }

 private:
  boost::asio::awaitable<Reply> dispatch(Call call, Match match);
  template <class Message>
  boost::asio::awaitable<Reply> change(
      Call call, Result<Message> message,
      boost::asio::awaitable<Result<protocol::Changed>> (change::Control::*verb)(change::Request, Message));
  boost::asio::awaitable<Reply> reload(Call call);
  boost::asio::awaitable<Reply> status(Call call);
  boost::asio::awaitable<Reply> wait(Call call);
  Reply rollout(const std::vector<std::string>& names) const;
  boost::asio::awaitable<Reply> preview(Call call, std::vector<std::string> names);
  Reply flag(const std::string& name) const;
  Reply explain(const Call& call) const;
  Reply history(const Call& call) const;
  Reply events(const Call& call) const;
  Reply config(const Call& call) const;
  Reply readyz() const;

  change::Control& control_;
  Scraper scraper_;
};

}  // namespace sluice::admin
