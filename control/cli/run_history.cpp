// What was done: the history, whether the audit log is whole, and the report of a shift.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "control/audit/verifier.hpp"
#include "control/cli/run.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {
namespace {

// With the number of the first line of the chain in it, by which files of one log are put in order; nothing
// when it cannot be read, and `errno` says why.
std::optional<std::uint64_t> first_number_of(const std::string& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string line;
  if (!in) return std::nullopt;
  while (std::getline(in, line))
    if (const auto link = audit::link_in(line)) return link->number;
  return in.bad() ? std::nullopt : std::optional<std::uint64_t>(0);
}

void feed(audit::Verifier& verifier, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, 64 * 1024> piece;
  verifier.file(file);
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0)
    verifier.take({piece.data(), static_cast<std::size_t>(in.gcount())});
}

int show_verified(Context& context, const protocol::AuditVerified& verified,
                  const boost::json::value& document) {
  const int shown = context.output.show(document, render_verified(verified));
  return shown != 0 || verified.whole ? shown : static_cast<int>(protocol::Exit::refused);
}

int verify_files(Context& context, const protocol::Strings& files) {
  std::vector<std::pair<std::uint64_t, std::string>> ordered;
  for (const auto& file : files) {
    const auto first = first_number_of(file);
    if (!first)
      return context.output.fail(protocol::malformed("cannot read " + file + ": " + std::strerror(errno)));
    ordered.emplace_back(*first, file);
  }
  std::ranges::stable_sort(ordered, {}, &std::pair<std::uint64_t, std::string>::first);
  audit::Verifier verifier;
  for (const auto& [first, file] : ordered) feed(verifier, file);
  const auto verified = verifier.end(std::nullopt);
  return show_verified(context, verified, protocol::answer_json(verified));
}

}  // namespace

int run(Context& context, const HistoryVerb& verb) {
  if (!verb.files.empty()) return verify_files(context, verb.files);
  const auto answer = context.client.call(verb.verify ? send(protocol::VerifyAudit{}) : send(verb.message));
  if (!answer) return context.output.fail(answer.error());
  if (verb.verify)
    return show_verified(context, protocol::answer_from<protocol::AuditVerified>(answer->body), answer->body);
  return context.output.show(
      answer->body,
      render_history(protocol::answer_from<protocol::HistoryList>(answer->body), context.output.style()));
}

int run(Context& context, const ReportVerb& verb) {
  protocol::GetReport message = verb.message;
  const Format format = context.output.format();
  message.format = format == Format::json ? "json" : format == Format::html ? "html" : "md";
  const auto answer = context.client.call(send(message));
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(answer->body, answer->text);
}

}  // namespace sluice::cli
