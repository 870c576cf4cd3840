// Prometheus' text format, version 0.0.4: families with HELP and TYPE, samples with escaped labels.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::admin {

class Exposition {
 public:
  // Those without a name are left out.
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // The samples that follow are of this family. `type`: counter, gauge or histogram.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(double value, Labels labels = {}) { sample("", value, labels); }
  // "_bucket", "_sum" and "_count" of a histogram.
  void sample(std::string_view suffix, double value, Labels labels = {});

  // A family of one sample.
  void single(std::string_view name, std::string_view type, std::string_view help, double value) {
    family(name, type, help);
    sample(value);
  }

  const std::string& text() const { return text_; }

 private:
  std::string name_, text_;
};

// The shortest text that reads back as the same number.
std::string number_text(double value);

}  // namespace sluice::admin
