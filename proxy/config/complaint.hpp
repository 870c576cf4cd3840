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

// Collects what is wrong in one file.
class Complaints {
 public:
  explicit Complaints(std::string file) : file_(std::move(file)) {}

  void add(Place place, std::string what, std::string suggestion = {});
  void add(const std::vector<Complaint>& more) { all_.insert(all_.end(), more.begin(), more.end()); }
  std::size_t size() const { return all_.size(); }
  const std::string& file() const { return file_; }

  // In the order of the file, each once (an anchor that is used twice is judged twice).
  std::vector<Complaint> sorted() &&;

 private:
  std::string file_;
  std::vector<Complaint> all_;
};

}  // namespace sluice::config
