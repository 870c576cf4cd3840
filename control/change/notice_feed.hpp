// From events to notices: what is worth one is told to the targets, and what becomes of it is written down.
// Control thread only.
#pragma once

#include <string>

#include "control/change/certificates.hpp"
#include "control/change/recorder.hpp"
#include "control/notify/backends_told.hpp"
#include "control/notify/notices.hpp"
#include "control/protocol/notify.hpp"

namespace sluice::change {

class NoticeFeed final : public notify::NoticeLog {
 public:
  // All of them outlive this.
  NoticeFeed(boost::asio::any_io_executor loop, const InForce& in_force, io::Resolver& resolver,
             Recorder& recorder, io::Background& background);

  // Another configuration or snapshot is in force.
  void follow();
  // To be called once a second: certificates end, and backends that were ejected have stayed well.
  void tick();
  boost::asio::awaitable<Result<protocol::NotifyTested>> test(Invocation invocation,
                                                              protocol::NotifyTest message);
  notify::Notices& notices() { return notices_; }
  const notify::Notices& notices() const { return notices_; }

 private:
  void take(const Event& event);
  void look_at_certificates();
  void ended(const std::string& target, const notify::Message& message,
             const notify::Attempt& attempt) override;
  void failing(const std::string& target, const notify::Attempt& attempt) override;
  void recovered(const std::string& target) override;

  const InForce& in_force_;
  Recorder& recorder_;
  notify::Notices notices_;
  notify::BackendsTold told_;
  CertificateWatch certificates_;
  io::Clock::time_point certificates_due_{};
};

}  // namespace sluice::change
