#include "proxy/http/message.hpp"

#include "proxy/http/text.hpp"

namespace sluice::http {

const Field* Fields::find(std::string_view name) const {
  for (const Field& field : *this)
    if (iequals(field.name, name)) return &field;
  return nullptr;
}

const Field* Fields::find(Header id) const {
  for (const Field& field : *this)
    if (field.id == id) return &field;
  return nullptr;
}

}  // namespace sluice::http
