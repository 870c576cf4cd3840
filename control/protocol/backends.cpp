#include "control/protocol/backends.hpp"

#include "proxy/base/origin.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

namespace {

std::optional<Problem> check_weight(std::uint32_t weight) {
  if (weight <= kMostWeight) return std::nullopt;
  return malformed(
      "the field 'weight' must be at most " + std::to_string(kMostWeight) + ", not " + std::to_string(weight),
      "weight");
}

}  // namespace

std::optional<Problem> check(const Weight& weight) {
  if (!weight.weight) return malformed("the field 'weight' is missing, like {\"weight\":2}", "weight");
  return check_weight(*weight.weight);
}

std::optional<Problem> check(const Add& add) {
  if (auto problem = check_weight(add.weight)) return problem;
  if (add.address.empty()) return std::nullopt;
  const auto address = parse_origin(add.address);
  if (!address) return malformed("the field 'address': " + address.error().text(), "address");
  return std::nullopt;
}

}  // namespace sluice::protocol
