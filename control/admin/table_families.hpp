// The families of a table that stands beside its counters (proxy/observe/metric.hpp). Pure.
#pragma once

#include <algorithm>
#include <string_view>
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
      row.values.resize(std::max<std::size_t>(1, metric.values.size()));
      for (std::size_t i = 0; i < metric.values.size(); ++i)
        row.values[i].add(metric.label, metric.values[i]);
    }
  }
  void add(const Source& source, std::string_view labels = {}) {
    for (auto& row : rows_)
      for (std::size_t i = 0; i < row.values.size(); ++i)
        row.family.add(row.metric.read(source, i), labels, row.values[i]);
  }

 private:
  struct Row {
    const observe::Metric<Source>& metric;
    Family& family;
    std::vector<Labels> values;  // one of no text where the metric has no label
  };
  std::vector<Row> rows_;
};

}  // namespace sluice::admin
