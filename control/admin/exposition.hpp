// Prometheus' text format, version 0.0.4: families with HELP and TYPE, samples with escaped labels. A family
// is text of its own, so that what is known of one service is written to all families at once.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::admin {

// As they stand in a line, escaped: service="api",pool="blue".
class Labels {
 public:
  Labels() = default;
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels);
  void add(std::string_view name, std::string_view value);
  operator std::string_view() const { return text_; }

 private:
  std::string text_;
};

// The shortest text that reads back as the same number.
class Number {
 public:
  Number(std::integral auto whole) { end_ = std::to_chars(digits_, digits_ + sizeof digits_, +whole).ptr; }
  Number(double value);
  std::string_view text() const { return {digits_, static_cast<std::size_t>(end_ - digits_)}; }

 private:
  char digits_[400];  // the longest in fixed form
  char* end_;
};

class Family {
 public:
  // `type`: counter, gauge or histogram.
  Family(std::string_view name, std::string_view type, std::string_view help);
  // `more` is a label that goes behind the others; both are as Labels makes them.
  void add(const Number& value, std::string_view labels = {}, std::string_view more = {}) {
    add("", value, labels, more);
  }
  // "_bucket", "_sum" and "_count" of a histogram.
  void add(std::string_view suffix, const Number& value, std::string_view labels, std::string_view more);
  const std::string& text() const { return text_; }

 private:
  std::string name_, text_;
};

class Exposition {
 public:
  Family& family(std::string_view name, std::string_view type, std::string_view help) {
    return families_.emplace_back(name, type, help);
  }
  // A family of one sample.
  void single(std::string_view name, std::string_view type, std::string_view help, const Number& value) {
    family(name, type, help).add(value);
  }
  std::string text() const;  // in the order in which the families were made

 private:
  std::deque<Family> families_;
};

}  // namespace sluice::admin
