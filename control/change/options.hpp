// What Control is made with beside the configuration. Constant.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "control/io/dns.hpp"
#include "control/state/file.hpp"

namespace sluice::change {

struct Options {
  std::string config_file;                // for a reload; empty: there is none
  std::optional<std::string> state_dir;   // instead of the configuration's
  std::string version;                    // for status
  std::function<std::uint64_t()> random;  // 64 random bits; the default asks the kernel
  state::FileSystem* files = nullptr;  // for logs and keys in the state folder; the default is the real one
  io::LookUp look_up;                  // of names; the default asks name servers
};

}  // namespace sluice::change
