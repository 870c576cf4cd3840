// What the first bytes of a connection have of HTTP/2's preface (RFC 9113 3.4). Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/h2/frame.hpp"

namespace sluice::client {

enum class Preface : std::uint8_t { none, begun, whole };

inline Preface preface_in(std::string_view bytes) {
  using h2::kPreface;
  const std::string_view seen = bytes.substr(0, kPreface.size());
  if (seen.empty() || seen != kPreface.substr(0, seen.size())) return Preface::none;
  return seen.size() == kPreface.size() ? Preface::whole : Preface::begun;
}

}  // namespace sluice::client
