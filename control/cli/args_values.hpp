// The values of flags and positionals: a text as a value, or a complaint that shows the accepted form. `name`
// is the flag or positional that the text was given for.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "control/protocol/messages.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

// Throws what CLI11 reports as wrong usage. A flag is named before what is wrong with its value; a positional
// explains itself.
[[noreturn]] void wrong(const std::string& name, const std::string& what);

protocol::milliseconds duration_of(const std::string& name, const std::string& text);
Share share_of(const std::string& name, const std::string& text);
std::uint64_t number_of(const std::string& name, const std::string& text, std::uint64_t most);
std::uint32_t count_of(const std::string& name, const std::string& text, std::uint32_t most);
// SERVICE/POOL or SERVICE/POOL/BACKEND.
protocol::Target target_of(const std::string& name, const std::string& text);
// SERVICE/POOL.
protocol::Target pool_of(const std::string& text);
protocol::Websockets websockets_of(const std::string& text);
// NAME=VALUE, neither empty; `form` says it as the usage does.
std::pair<std::string, std::string> assignment_of(const std::string& text, const char* form);

}  // namespace sluice::cli
