// The fields that the proxy adds to an answer: the issued cookie (S6), what became of a preview token (S8),
// and where the answer came from, if the service shows that. Valid as long as this lives. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proxy/exchange/plan.hpp"
#include "proxy/http/message.hpp"

namespace sluice::exchange {

class AnswerFields {
 public:
  void add_cookie(const config::IssuedCookie& cookie, std::string_view id, bool secure);
  void add_preview(const Plan& plan);
  void add_origin(std::string_view pool, std::string_view backend, std::uint64_t generation);
  std::span<const http::Field> all() const { return {fields_.data(), size_}; }

 private:
  void add(std::string_view name, std::string_view value) { fields_[size_++] = {name, value}; }

  std::array<http::Field, 5> fields_;
  std::size_t size_ = 0;
  std::string cookie_, preview_;
  char generation_[20];
};

}  // namespace sluice::exchange
