#include "control/report/story.hpp"

#include <boost/json/serialize.hpp>

#include "control/state/read_json.hpp"

namespace sluice::report {
namespace {

// Every second point goes; the last stays.
void thin(Series& series) {
  std::vector<Point> kept;
  const std::size_t last = series.points.size() - 1;
  for (std::size_t i = 0; i < series.points.size(); ++i)
    if (i % 2 == last % 2) kept.push_back(series.points[i]);
  series.points = std::move(kept);
  series.spacing *= 2;
}

bool thin_longest(Story& story) {
  Series* longest = &story.shares;
  for (auto& series : story.gates)
    if (series.points.size() > longest->points.size()) longest = &series;
  if (longest->points.size() < 8) return false;
  thin(*longest);
  return true;
}

}  // namespace

void Series::add(const Point& point) {
  if (points.size() > 1 && points.back().time < points[points.size() - 2].time + spacing) {
    points.back() = point;
    return;
  }
  if (points.size() >= kMostPoints) thin(*this);
  points.push_back(point);
}

std::string to_text(Story story) {
  for (;;) {
    std::string text = boost::json::serialize(protocol::answer_json(story));
    if (text.size() <= Story::kMostBytes) return text;
    if (thin_longest(story)) continue;
    if (story.changes.empty()) return text;
    story.left_out += story.changes.size();
    story.changes.clear();
  }
}

std::optional<Story> story_in(std::string_view text) {
  const auto value = state::parse_json(text);
  Story story;
  protocol::read_answer(value, story);
  if (story.service.empty() || story.id == 0) return std::nullopt;
  return story;
}

}  // namespace sluice::report
