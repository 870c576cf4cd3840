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
  all_.push_back({files_.names[static_cast<std::size_t>(place.file)], std::max(place.line, 1),
                  std::max(place.column, 1), std::move(what), std::move(suggestion)});
}

int Complaints::add_file(std::string name) {
  files_.names.push_back(std::move(name));
  return static_cast<int>(files_.names.size()) - 1;
}

std::string Complaints::where(Place place) const {
  const std::string line = "line " + std::to_string(place.line);
  return place.file == 0 ? line : line + " of " + files_.names[static_cast<std::size_t>(place.file)];
}

std::size_t Complaints::order_of(const Complaint& complaint) const {
  return static_cast<std::size_t>(std::find(files_.names.begin(), files_.names.end(), complaint.file) -
                                  files_.names.begin());
}

std::vector<Complaint> Complaints::sorted() && {
  const auto position = [this](const Complaint& c) { return std::tuple(order_of(c), c.line, c.column); };
  std::stable_sort(all_.begin(), all_.end(),
                   [&](const Complaint& a, const Complaint& b) { return position(a) < position(b); });
  const auto same = [&](const Complaint& a, const Complaint& b) {
    return position(a) == position(b) && a.what == b.what;
  };
  all_.erase(std::unique(all_.begin(), all_.end(), same), all_.end());
  return std::move(all_);
}

}  // namespace sluice::config
