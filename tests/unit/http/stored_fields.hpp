// A sink of fields that keeps them: what the policy says, without a wire.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::testing {

class StoredFields {
 public:
  struct Entry {
    std::string name, value;
    bool operator==(const Entry&) const = default;
  };
  using Entries = std::vector<Entry>;

  void field(std::string_view name, std::string_view value) {
    entries.push_back({std::string(name), std::string(value)});
  }
  void begin(std::string_view name) { entries.push_back({std::string(name), ""}); }
  template <class... Parts>
  void put(const Parts&... parts) {
    (entries.back().value.append(parts), ...);
  }
  void end() {}

  Entries entries;
};

inline void PrintTo(const StoredFields::Entry& entry, std::ostream* out) {
  *out << entry.name << ": " << entry.value;
}

}  // namespace sluice::http::testing
