// Values that many keys hold.
#include "proxy/config/keys.hpp"

namespace sluice::config {
namespace {

Invalid anything(std::string_view) { return std::nullopt; }

}  // namespace

void read(const YamlValue& value, std::string& into, Text kind) {
  value.checked(into, kind.check ? kind.check : anything);
}

void read(const YamlValue& value, std::string& into, MaybeEmpty kind) {
  if (kind.check)
    value.empty_or(into, kind.check);
  else
    value.maybe_empty(into);
}

void read(const YamlValue& value, milliseconds& into, WholeSeconds) {
  milliseconds wanted{};
  if (!value.duration(wanted, 0ms)) return;
  if (wanted % 1s != 0ms) return value.complain(value.name() + " is in whole seconds");
  into = wanted;
}

void read(const YamlValue& value, double& into, Fraction) {
  Share share = 0;
  if (value.share(share)) into = static_cast<double>(share) / kWhole;
}

void read(const YamlValue& value, std::uint64_t& into, Size kind) {
  std::uint64_t size = 0;
  if (!value.size(size)) return;
  if (size < kind.low || size > kind.high)
    return value.complain(value.name() + " must be from " + std::to_string(kind.low) + " to " +
                          std::to_string(kind.high) + " bytes");
  into = size;
}

void read(const YamlValue& value, std::uint32_t& into, Size kind) {
  std::uint64_t size = into;
  read(value, size, kind);
  into = static_cast<std::uint32_t>(size);
}

}  // namespace sluice::config
