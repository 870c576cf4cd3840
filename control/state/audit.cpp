#include "control/state/audit.hpp"

#include <cerrno>
#include <utility>

#include "control/state/text.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

std::string head_beside(const std::string& path) {
  constexpr std::string_view kLog = ".log";
  return (path.ends_with(kLog) ? path.substr(0, path.size() - kLog.size()) : path) + ".head";
}

// A start's own line.
boost::json::object told_line(Attempt by, const std::string& told, const audit::Link::Unchained& behind) {
  by.verb = "audit";
  by.result = told;
  auto line = audit_line(by);
  if (behind.bytes > 0)
    line["unchained"] = {
        {"lines", behind.lines}, {"bytes", behind.bytes}, {"torn", behind.torn}, {"sha256", behind.hash}};
  return line;
}

}  // namespace

boost::json::object audit_line(const Attempt& attempt) {
  return {{"time", time_text(attempt.time)},
          {"uid", attempt.actor.uid},
          {"pid", attempt.actor.pid},
          {"actor", printable(attempt.actor.name)},
          {"verb", printable(attempt.verb)},
          {"old", printable(attempt.before)},
          {"new", printable(attempt.after)},
          {"generation", attempt.generation},
          {"reason", printable(attempt.reason)},
          {"result", printable(attempt.result)}};
}

AuditLog::AuditLog(FileSystem& files, std::string path)
    : files_(&files), path_(std::move(path)), head_(head_beside(path_)) {}

Error AuditLog::write(const Attempt& attempt) {
  if (shared_) file_.reset();
  if (Error error = open()) return error;
  const auto head = files_->share(head_);  // held until the end; without it this process's own memory counts
  auto place = place_in_force(head ? head->get() : nullptr);
  const auto size = file_->size();
  if (!size) return size.error();
  auto text = reconciled(place, *size, attempt, nullptr);
  if (!text) return text.error();
  *text += audit::sealed(audit_line(attempt), place->head);
  if (Error error = file_->append(*text)) {
    file_.reset();
    place_ = std::nullopt;
    return error;
  }
  place->size = *size + text->size();
  place_ = place;
  return head ? (*head)->write(to_text(*place)) : head.error();
}

Io<std::string> AuditLog::go_on(Attempt start) {
  if (!files_->exists(path_)) {  // the first start, or rotated and nothing written since
    place_ = look();
    return std::string();
  }
  if (Error error = open()) return error;
  const auto head = files_->share(head_);
  auto place = place_in_force(head ? head->get() : nullptr);
  const auto size = file_->size();
  if (!size) return size.error();
  std::string told;
  const auto text = reconciled(place, *size, start, &told);
  if (!text) return text.error();
  if (!text->empty())
    if (Error error = file_->append(*text)) return error;
  place->size = *size + text->size();
  place_ = place;
  if (head)
    if (Error error = (*head)->write(to_text(*place))) return error;
  return told;
}

std::optional<audit::Place> AuditLog::look() {
  const auto head =
      files_->exists(head_) ? files_->share(head_) : Io<std::unique_ptr<SharedFile>>(Error(ENOENT, ""));
  return place_in_force(head ? head->get() : nullptr);
}

Error AuditLog::open() {
  if (file_) return {};
  auto file = files_->open(path_);
  if (!file && file.error().code() == ENOENT) file = files_->create(path_);
  if (!file) return file.error();
  file_ = std::move(*file);
  return {};
}

std::optional<audit::Place> AuditLog::place_in_force(SharedFile* head) {
  if (!head) return place_;
  const auto text = head->read();
  return text ? audit::place_in(*text) : place_;
}

Io<std::string> AuditLog::reconciled(std::optional<audit::Place>& place, std::uint64_t size,
                                     const Attempt& by, std::string* told) {
  if (place && place->size == size) return std::string();
  if (size == 0) {  // the first line of all, or of a file after a rotation
    if (!place) place.emplace();
    return std::string();
  }
  const auto content = file_->read_from(0, size);
  if (!content) return content.error();
  const auto ending = audit::ending_of(*content);
  const auto on = audit::resumed(place, ending);
  if (!place) place.emplace();
  place->head = on.head;
  if (on.told.empty()) return std::string();
  if (told) *told = on.told;
  return (ending.behind.torn ? "\n" : "") + audit::sealed(told_line(by, on.told, ending.behind), place->head);
}

}  // namespace sluice::state
