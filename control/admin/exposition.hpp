// Prometheus' text format, version 0.0.4: families with HELP and TYPE, samples with escaped labels. Samples
// are collected first, so that what is known of one service goes to all families at once, and printed family
// by family in pieces (Printer): the text of a thousand services is 6 MB and never there as a whole. Pure.
#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/admin/pieces.hpp"

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

// Printed as the shortest text that reads back as the same number.
class Number {
 public:
  Number(std::unsigned_integral auto whole) : bits_(whole), kind_(Kind::whole) {}
  Number(std::signed_integral auto whole)
      : bits_(static_cast<std::uint64_t>(std::int64_t{whole})), kind_(Kind::with_sign) {}
  Number(double value);
  // Returns the end. Requires: room for kMostDigits.
  char* print(char* at) const;
  static constexpr std::size_t kMostDigits = 400;  // the longest in fixed form

 private:
  enum class Kind : std::uint8_t { whole, with_sign, real };
  std::uint64_t bits_;
  Kind kind_;
};

// Labels that an exposition keeps for the samples that have them.
enum class LabelsId : std::uint32_t {};
inline constexpr LabelsId kNoLabels{0};

class Family {
 public:
  // What the lines of a family differ in beside labels and values.
  enum class Form : std::uint16_t {};
  static constexpr Form kPlain{0};

  // `type`: counter, gauge or histogram.
  Family(std::string_view name, std::string_view type, std::string_view help);
  // `suffix`: of a histogram, "_bucket", "_sum" and "_count". `more` is as Labels makes it; it goes behind
  // the others.
  Form form(std::string_view suffix, std::string_view more);
  void add(const Number& value, LabelsId labels = kNoLabels, Form form = kPlain) {
    samples_.push_back({value, form, labels});
  }

 private:
  friend class Printer;

  struct Sample {
    [[no_unique_address]] Number value;
    Form form;
    LabelsId labels;
  };
  static_assert(sizeof(Sample) == 16, "there are a hundred of each service");
  struct FormText {
    std::string before, behind;  // the labels of a line
    std::string alone;           // the line has none
  };

  std::string name_, head_;
  std::vector<FormText> forms_;
  std::vector<Sample> samples_;
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
  LabelsId keep(const Labels& labels);

 private:
  friend class Printer;

  std::deque<Family> families_;
  std::string labels_;                  // all texts
  std::vector<std::uint32_t> ends_{0};  // in labels_, by LabelsId
};

// The families in the order in which they were made.
class Printer final : public Pieces {
 public:
  static constexpr std::size_t kPiece = 64 * 1024;  // of bytes, about: a core's cache holds it

  explicit Printer(Exposition of) : of_(std::move(of)) {}
  bool more() const override { return family_ < of_.families_.size(); }
  std::string_view next() override;

 private:
  bool put(std::string_view text);
  bool put(const Family& family, const Family::Sample& sample);
  char* room_for(std::size_t size);
  std::string_view text_of(LabelsId labels) const;

  const Exposition of_;
  std::size_t family_ = 0;
  std::size_t line_ = 0;  // of the family; 0: what it begins with
  std::string buffer_;
  std::size_t used_ = 0;  // of the buffer
};

}  // namespace sluice::admin
