#include "control/rollout_driver/judgement_log.hpp"

#include <boost/json/serialize.hpp>
#include <cerrno>

namespace sluice::rollout_driver {
namespace {

namespace json = boost::json;

json::object line_of(const std::string& service, const state::Rollout& rollout, std::int64_t time,
                     const rollout::Judgement& judgement) {
  json::object line{
      {"time", time_text(time)}, {"service", service}, {"rollout", rollout.id}, {"pool", rollout.to}};
  if (rollout.phase == state::RolloutPhase::running) {
    line["step"] = rollout.step + 1;
    line["share"] = format_share(rollout.current().share);
  } else {
    line["phase"] = to_string(rollout.phase);
  }
  for (const auto& [key, value] : rollout::to_json(judgement)) line[key] = value;
  return line;
}

}  // namespace

state::Error JudgementLog::open() {
  auto file = files_->open(path_);
  if (!file && file.error().code() == ENOENT) file = files_->create(path_);
  if (!file) return file.error();
  file_ = std::move(*file);
  written_ = 0;
  return {};
}

state::Error JudgementLog::write(const std::string& service, const state::Rollout& rollout, std::int64_t time,
                                 const std::vector<rollout::Judgement>& judgements) {
  if (judgements.empty()) return {};
  std::string lines;
  for (const auto& judgement : judgements)
    lines += json::serialize(line_of(service, rollout, time, judgement)) + "\n";
  if (file_ && written_ > kMostBytes) {
    file_.reset();
    if (auto error = files_->rename(path_, path_ + ".1")) return error;
  }
  if (!file_)
    if (auto error = open()) return error;
  state::Error error = file_->append(lines);
  written_ += lines.size();
  if (error) file_.reset();
  return error;
}

}  // namespace sluice::rollout_driver
