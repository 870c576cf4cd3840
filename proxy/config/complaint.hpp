// What is wrong with a configuration, with its place, as full sentences for the operator.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "proxy/config/spec.hpp"

namespace sluice::config {

struct Complaint {
  std::string file;
  int line = 1, column = 1;  // both from 1
  std::string what;          // what is wrong and what would be right
  std::string suggestion;    // the word that was probably meant; empty when none is near

  // "FILE:LINE:COL: what, did you mean 'x'?"; without the place when there is no file.
  std::string text() const;
};

// A line each, without an end behind the last. Of many the first, and how many there are beside them: whoever
// mends these has mended most of the others, or reads them next.
inline constexpr std::size_t kMostShown = 20;
std::string text_of(const std::vector<Complaint>& complaints);

// Collects what is wrong in a file and in those that it includes.
class Complaints {
 public:
  explicit Complaints(SourceFiles files) : files_(std::move(files)) {}

  void add(Place place, std::string what, std::string suggestion = {});
  void add(const std::vector<Complaint>& more) { all_.insert(all_.end(), more.begin(), more.end()); }
  std::size_t size() const { return all_.size(); }
  const std::string& file() const { return files_.names.front(); }
  // One more that is included; its number in places.
  int add_file(std::string name);
  const SourceFiles& files() const { return files_; }
  // "line 12", of an included file with its name.
  std::string where(Place place) const;

  // In the order of the files, each once (an anchor that is used twice is judged twice).
  std::vector<Complaint> sorted() &&;

 private:
  std::size_t order_of(const Complaint& complaint) const;

  SourceFiles files_;
  std::vector<Complaint> all_;
};

}  // namespace sluice::config
