// The fields of one message that end at this hop. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "proxy/http/message.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http {

// Those that Connection names (RFC 9110 7.6.1), and in a TRACE, whose answer holds what was received, those
// with credentials (9.3.8). What the proxy itself writes is out of their reach.
class HopByHopFields {
 public:
  explicit HopByHopFields(const ResponseHead& head) : HopByHopFields(head.fields, head.names_fields) {}
  explicit HopByHopFields(const RequestHead& head) : HopByHopFields(head.fields, head.names_fields) {
    if (head.method != "TRACE") return;
    for (const auto name : kCredentials) names_.items[size_++] = name;
  }
  bool empty() const { return size_ == 0; }
  bool contains(std::string_view name) const {
    if (size_ == 0) return false;
    return std::any_of(names_.items, names_.items + size_, [&](auto named) { return iequals(named, name); });
  }

 private:
  static constexpr std::array<std::string_view, 3> kCredentials{"Authorization", "Cookie",
                                                                "Proxy-Authorization"};

  HopByHopFields(const Fields& fields, bool any) {
    if (!any) return;
    for (const Field& field : fields)
      if (field.id == Header::connection) collect(field.value);
  }
  void collect(std::string_view list) {
    while (!list.empty() && size_ < kMaxNamedFields) {
      const auto name = take_member(list);
      if (!name.empty() && !is_option(name)) names_.items[size_++] = name;
    }
  }
  static bool is_option(std::string_view name) {
    return iequals(name, "close") || iequals(name, "keep-alive") || iequals(name, "upgrade") ||
           iequals(name, "te");
  }

  // Not initialised: mostly there are none.
  union Names {
    Names() {}
    std::string_view items[kMaxNamedFields + kCredentials.size()];
  };
  Names names_;
  std::size_t size_ = 0;
};

}  // namespace sluice::http
