// A report as headings, sentences, tables and plots, before it is Markdown or HTML. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/report/plot.hpp"
#include "control/report/story.hpp"
#include "control/report/summary.hpp"
#include "control/state/rollout.hpp"

namespace sluice::report {

using Strings = std::vector<std::string>;

struct Table {
  Strings columns;  // one that begins with '>' is set to the right
  std::vector<Strings> rows;
};

struct Section {
  std::string heading;
  Strings sentences;
  std::vector<Plot> plots;
  Table table;
};

enum class Tone : std::uint8_t { good, bad, neutral };

struct Document {
  std::string title, badge;
  Tone tone = Tone::neutral;
  std::vector<std::pair<std::string, std::string>> answers;  // question, answer: read first
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Section> sections;
  std::string foot;
};

// What the audit log was when the report was made; empty: nothing is said of it.
Document document_of(const Story& story, const state::Rollout& rollout, const Summary& summary,
                     std::int64_t now);

// Shifts of a span, without the inside of a rollout: the changes, and each rollout's summary.
struct Span {
  std::string service;
  std::int64_t from = 0, to = 0;
  std::vector<Change> changes;  // the latest first
  std::vector<Summary> rollouts;
  std::vector<std::uint64_t> ids;  // of these
};
Document document_of(const Span& span);

// What a report says, as data. Times are texts as everywhere in the API, but for a point's, which are Unix
// milliseconds.
std::string json_of(const Story& story, const state::Rollout& rollout, const Summary& summary);
std::string json_of(const Span& span);
std::string to_markdown(const Document& document);
std::string to_html(const Document& document);  // one file, without a script

}  // namespace sluice::report
