// The families of a table that stands beside its counters (proxy/observe/metric.hpp). Pure.
#pragma once

#include <vector>

#include "control/admin/exposition.hpp"
#include "proxy/observe/metric.hpp"

namespace sluice::admin {

template <class Source>
class TableFamilies {
 public:
  template <std::size_t n>
  TableFamilies(Exposition& out, const observe::Metric<Source> (&metrics)[n]) {
    for (const auto& metric : metrics) {
      Row& row = rows_.emplace_back(Row{metric, out.family(metric.name, metric.type, metric.help), {}});
      for (const auto value : metric.values)
        row.values.push_back(row.family.form({}, Labels{{metric.label, value}}));
      if (metric.values.empty()) row.values.push_back(Family::kPlain);
    }
  }
  void add(const Source& source, LabelsId labels = kNoLabels) {
    for (auto& row : rows_)
      for (std::size_t i = 0; i < row.values.size(); ++i)
        row.family.add(row.metric.read(source, i), labels, row.values[i]);
  }

 private:
  struct Row {
    const observe::Metric<Source>& metric;
    Family& family;
    std::vector<Family::Form> values;  // one where the metric has no label
  };
  std::vector<Row> rows_;
};

}  // namespace sluice::admin
