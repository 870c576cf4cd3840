#include "proxy/http/message.hpp"

#include <memory>

#include "proxy/http/text.hpp"

namespace sluice::http {

void Fields::grow() {
  constexpr std::uint32_t kMore = 40;  // a browser's head with what stands before a proxy
  const std::uint32_t capacity = capacity_ < kMore ? kMore : std::uint32_t{kMaxFields};
  auto* const larger = static_cast<Field*>(allocate_frame(capacity * sizeof(Field)));
  std::uninitialized_copy(begin(), end(), larger);
  if (data_ != inside()) free_frame(data_, capacity_ * sizeof(Field));
  data_ = larger;
  capacity_ = capacity;
}

const Field* Fields::find(std::string_view name) const {
  for (const Field& field : *this)
    if (iequals(field.name, name)) return &field;
  return nullptr;
}

const Field* Fields::find(Header id) const {
  if (!seen_.has(id)) return nullptr;
  for (const Field& field : *this)
    if (field.id == id) return &field;
  return nullptr;
}

}  // namespace sluice::http
