// What is written down of all that happens: audit lines (T4), events, log lines and counts. Control thread
// only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/change/events.hpp"
#include "control/change/in_force.hpp"
#include "control/change/invocation.hpp"
#include "control/change/status.hpp"
#include "control/protocol/audit.hpp"
#include "control/state/audit.hpp"
#include "control/state/diff.hpp"

namespace sluice::change {

class Recorder {
 public:
  Recorder(boost::asio::any_io_executor loop, const InForce& in_force) : events(loop), in_force_(in_force) {}

  // Requires: called before anything is audited. `files` outlives it.
  // Says what it finds in the log that was not left there (control/audit/AUDIT.md). `generation` is in force.
  void open_audit_log(state::FileSystem& files, std::string path, std::uint64_t generation);
  void reopen_audit_log();
  // Another process has this one's place, and rotates the log.
  void share_audit_log();
  // Null before open_audit_log().
  state::AuditLog* audit_log() { return audit_ ? &*audit_ : nullptr; }
  std::optional<protocol::AuditHead> audit_head() const;

  void audit(const Invocation& invocation, const std::string& verb, const state::Texts& texts,
             const std::string& result);
  // Gives `problem` back.
  protocol::Problem refuse(const Invocation& invocation, const std::string& verb, protocol::Problem problem);
  // `what` was asked for without the right to it: an audit line, but at most 60 a minute, so that nobody can
  // fill the disk with them.
  void access_denied(const Actor& actor, const std::string& what, const std::string& why);
  // `undo`: the command that takes it back.
  void log_change(const Invocation& invocation, const state::Edit& edit, double took_ms,
                  const std::string& undo);
  // An event, and a log line of the same words.
  void info(std::string type, std::string service, std::string text, boost::json::object detail = {});
  void warn(std::string type, std::string service, std::string text, boost::json::object detail = {});

  bool audit_failed() const { return audit_failed_; }

  // A change that is in force and audited.
  std::function<void(const state::Edit& edit, const std::string& actor, double took_ms)> on_change;

  EventLog events;
  ControlCounters counters;
  std::vector<std::string> standing_warnings;  // from the start and the last reload

 private:
  const InForce& in_force_;
  std::optional<state::AuditLog> audit_;
  bool audit_failed_ = false;
  io::Clock::time_point denied_since_{};  // since when the denied are counted
  std::uint32_t denied_ = 0;              // in this minute
};

}  // namespace sluice::change
