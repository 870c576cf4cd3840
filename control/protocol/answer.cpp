#include "control/protocol/answer.hpp"

#include <cmath>

namespace sluice::protocol {

namespace json = boost::json;
using detail::read_value;

void Fraction::read(const json::value& in, Share& share) {
  double fraction = static_cast<double>(share) / kWhole;
  read_value(in, fraction);
  share = static_cast<Share>(std::llround(fraction * kWhole));
}

void Percentage::read(const json::value& in, Share& share) {
  if (!in.is_string()) return;
  if (const auto parsed = parse_share(std::string_view(in.get_string()))) share = *parsed;
}

json::value Ratio::write(double ratio) { return std::round(ratio * kWhole) / kWhole; }
void Ratio::read(const json::value& in, double& ratio) { read_value(in, ratio); }

json::value Thousandths::write(double number) { return std::round(number * 1000) / 1000; }
void Thousandths::read(const json::value& in, double& number) { read_value(in, number); }

void DurationText::read(const json::value& in, milliseconds& time) {
  if (!in.is_string()) return;
  if (const auto parsed = parse_duration(std::string_view(in.get_string()))) time = *parsed;
}

void TargetText::read(const json::value& in, Target& target) {
  if (!in.is_string()) return;
  if (auto parsed = parse_target(in.get_string())) target = std::move(*parsed);
}

void ConditionText::read(const json::value& in, Condition& condition) {
  if (!in.is_string()) return;
  if (const auto parsed = parse_condition(in.get_string())) condition = *parsed;
}

json::value Percentages::write(const Shares& shares) {
  json::object out;
  for (const auto& [name, share] : shares) out[name] = format_share(share);
  return out;
}

void Percentages::read(const json::value& in, Shares& shares) {
  if (!in.is_object()) return;
  shares.clear();
  for (const auto& [name, value] : in.get_object())
    Percentage::read(value, shares.emplace_back(name, Share{0}).second);
}

}  // namespace sluice::protocol
