// rehearse: a plan on recorded traffic. No daemon is asked; plan, judge, engine and slots are the daemon's
// code.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

#include "control/cli/run.hpp"
#include "control/rehearse/replay.hpp"
#include "control/rehearse/script.hpp"

namespace sluice::cli {

namespace json = boost::json;
using protocol::Exit;
using rehearse::Cast;
using rehearse::LogBook;
using rehearse::StepTold;

namespace {

// "1:02:03.5" since the beginning.
std::string clock_text(double seconds) {
  char text[40];
  const auto whole = static_cast<long>(seconds);
  std::snprintf(text, sizeof text, "%ld:%02ld:%04.1f", whole / 3600, whole / 60 % 60,
                seconds - static_cast<double>(whole / 60 * 60));
  return text;
}

std::string end_text(StepTold::End end) {
  switch (end) {
    case StepTold::End::passed:
      return "passed";
    case StepTold::End::went_back:
      return "went back";
    case StepTold::End::log_ended:
      return "log ended";
  }
  return "";
}

std::string tally_text(rollout::Tally tally) {
  return std::to_string(tally.n) + " (" + std::to_string(tally.k) + " errors)";
}

std::string verdict_text(const std::vector<StepTold>& steps, const Cast& cast, std::uint64_t requests) {
  const StepTold& last = steps.back();
  const std::string at = " after " + clock_text(last.ended) + ", " + std::to_string(requests) + " requests";
  if (last.end == StepTold::End::went_back) return "it would have gone back to " + cast.from + at + "\n";
  if (last.end == StepTold::End::log_ended)
    return "the log ended in step " + std::to_string(last.step) + at + "; it waits: " + last.why + "\n";
  return "it would have gone through" + at + "\n";
}

json::object told_json(const StepTold& step) {
  json::array judgements;
  for (const auto& one : step.judgements) judgements.push_back(rollout::to_json(one));
  return {{"step", step.step},
          {"share", format_share(step.share)},
          {"mirror", format_share(step.mirror)},
          {"began_s", step.began},
          {"ended_s", step.ended},
          {"end", end_text(step.end)},
          {"canary", {{"n", step.canary.n}, {"errors", step.canary.k}}},
          {"stable", {{"n", step.stable.n}, {"errors", step.stable.k}}},
          {"requests", step.requests},
          {"why", step.why},
          {"judgements", std::move(judgements)}};
}

Exit exit_of(StepTold::End end) {
  switch (end) {
    case StepTold::End::passed:
      return Exit::done;
    case StepTold::End::went_back:
      return Exit::gate_failed;
    case StepTold::End::log_ended:
      return Exit::timed_out;
  }
  return Exit::internal;
}

// What was read, and what of it was not.
std::vector<std::string> notes_on(const LogBook& log, const Cast& cast, const RehearseVerb& verb) {
  std::vector<std::string> notes;
  if (log.unread > 0)
    notes.push_back(std::to_string(log.unread) + " of " + std::to_string(log.lines) +
                    " lines could not be read, the first is " + log.example);
  if (log.other > 0) notes.push_back(std::to_string(log.other) + " lines are of other services");
  if (!log.times_known)
    notes.push_back("the log does not say how long requests took: gates on latencies stay open");
  if (!cast.canary && verb.rate == 0 && !log.by_client())
    notes.push_back("the log has few clients: each request is split on its own");
  if (!cast.canary && verb.canary.empty())
    notes.push_back("the log has one pool and --canary says nothing: the new pool answers as the other");
  return notes;
}

std::string render(const rehearse::Rehearsal& rehearsal, const LogBook& log, const Cast& cast,
                   const Style& style) {
  std::string out = "service " + cast.service + ": " + cast.from + " -> " + cast.to + ", " +
                    std::to_string(log.requests.size()) + " requests read (" + rehearse::names_of(log.kinds) +
                    ")\n";
  Table table({">AT", ">STEP", ">SHARE", ">CANARY", ">STABLE", "END"});
  for (const auto& step : rehearsal.steps())
    table.add({clock_text(step.ended), std::to_string(step.step),
               step.mirror > 0 ? format_share(step.mirror) + " copies" : format_share(step.share),
               tally_text(step.canary), tally_text(step.stable), end_text(step.end)});
  out += table.render(style);
  for (const auto& step : rehearsal.steps())
    out += "step " + std::to_string(step.step) + " " + end_text(step.end) + ": " + step.why + "\n";
  return out + verdict_text(rehearsal.steps(), cast, rehearsal.requests());
}

}  // namespace

int run(Context& context, const RehearseVerb& verb) {
  Output& output = context.output;
  auto script = rehearse::script_of({verb.plan, verb.config, verb.service, verb.format});
  if (!script) return output.fail(script.error());
  const auto log = rehearse::read_logs({verb.logs, script->format, verb.service, script->salt});
  if (!log) return output.fail(log.error());
  const auto cast = rehearse::cast_of(*log, verb.service, verb.to);
  if (!cast) return output.fail(cast.error());
  rehearse::Traffic traffic{*log, cast->stable, cast->canary, {}, verb.seed.value_or(1)};
  if (!verb.canary.empty()) {
    const auto fault = rehearse::parse_fault(verb.canary);
    if (!fault) return output.fail(protocol::malformed("--canary: " + fault.error().text(), "canary"));
    traffic.fault = *fault;
  }
  const auto& stable = log->pools[cast->stable];
  rehearse::Rehearsal rehearsal(
      {cast->service, cast->from, cast->to, script->plan, {stable.counted, stable.errors}});
  if (const auto problem = rehearsal.begin(log->requests.front().ended_micros)) return output.fail(*problem);
  if (verb.rate > 0)
    draw_out(traffic, verb.rate, std::chrono::duration<double>(verb.draw_for).count(), rehearsal);
  else
    replay(traffic, rehearsal);
  auto notes = std::move(script->notes);
  for (auto& note : notes_on(*log, *cast, verb)) notes.push_back(std::move(note));
  json::array steps;
  for (const auto& step : rehearsal.steps()) steps.push_back(told_json(step));
  const json::object document{{"service", cast->service},
                              {"from", cast->from},
                              {"to", cast->to},
                              {"end", end_text(rehearsal.steps().back().end)},
                              {"requests", rehearsal.requests()},
                              {"lines", log->lines},
                              {"unread", log->unread},
                              {"steps", std::move(steps)},
                              {"notes", json::array(notes.begin(), notes.end())}};
  const int shown = output.show(document, render(rehearsal, *log, *cast, output.style()));
  for (const auto& note : notes) output.note("note: " + note + "\n");
  return shown != 0 ? shown : static_cast<int>(exit_of(rehearsal.steps().back().end));
}

}  // namespace sluice::cli
