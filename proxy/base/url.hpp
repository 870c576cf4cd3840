// The URLs that control asks: gates and hooks. Pure.
#pragma once

#include <string>
#include <string_view>

#include "proxy/base/values.hpp"

namespace sluice {

struct Url {
  bool secured = false;   // https
  std::string address;    // HOST:PORT, the port of the scheme when none is written
  std::string authority;  // as written, for the Host header
  std::string target;     // "/path?query", at least "/"
};

// "http://host[:port][/path][?query]" or https. Refuses what cannot be asked, and a user and password in it:
// they would be shown wherever the URL is. What is said shows no password, whatever was written.
Parsed<Url> parse_url(std::string_view text);

// `text` as it may stand in messages, logs and events: without a user and password, and without the values of
// query parameters that are named like secrets (token, key ...). Also of a text that is no URL.
std::string shown_url(std::string_view text);
// Likewise of every URL in a longer text, such as a command.
std::string shown_urls(std::string_view text);

}  // namespace sluice
