#include "proxy/config/complaint.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "proxy/base/suggest.hpp"

namespace sluice::config {

std::string Complaint::text() const {
  const std::string place = std::to_string(line) + ":" + std::to_string(column) + ": ";
  // What the program itself made up stands in no file.
  return (file.empty() ? "" : file + ":" + place) + with_suggestion(what, suggestion);
}

std::string text_of(const std::vector<Complaint>& complaints) {
  std::string text;
  const std::size_t shown = std::min(complaints.size(), kMostShown);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : "\n") + complaints[i].text();
  if (shown < complaints.size()) text += "\nand " + std::to_string(complaints.size() - shown) + " more";
  return text;
}

void Complaints::add(Place place, std::string what, std::string suggestion) {
  // What stands nowhere (a spec built by the program itself) is said of the whole file.
  all_.push_back(
      {file_, std::max(place.line, 1), std::max(place.column, 1), std::move(what), std::move(suggestion)});
}

std::vector<Complaint> Complaints::sorted() && {
  const auto position = [](const Complaint& c) { return std::tie(c.line, c.column); };
  std::stable_sort(all_.begin(), all_.end(),
                   [&](const Complaint& a, const Complaint& b) { return position(a) < position(b); });
  const auto same = [&](const Complaint& a, const Complaint& b) {
    return position(a) == position(b) && a.what == b.what;
  };
  all_.erase(std::unique(all_.begin(), all_.end(), same), all_.end());
  return std::move(all_);
}

}  // namespace sluice::config
