#include "control/state/audit.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "control/state/text.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {

std::string audit_line(const Attempt& attempt) {
  const boost::json::object line{{"time", time_text(attempt.time)},
                                 {"uid", attempt.actor.uid},
                                 {"pid", attempt.actor.pid},
                                 {"actor", printable(attempt.actor.name)},
                                 {"verb", printable(attempt.verb)},
                                 {"old", printable(attempt.before)},
                                 {"new", printable(attempt.after)},
                                 {"generation", attempt.generation},
                                 {"reason", printable(attempt.reason)},
                                 {"result", printable(attempt.result)}};
  return boost::json::serialize(line) + "\n";
}

Error AuditLog::write(const Attempt& attempt) {
  if (!file_) {
    auto file = files_->open(path_);
    if (!file && file.error().code() == ENOENT) file = files_->create(path_);
    if (!file) return file.error();
    file_ = std::move(*file);
  }
  Error error = file_->append(audit_line(attempt));
  if (error) file_.reset();
  return error;
}

}  // namespace sluice::state
