// What the loader asks of this machine: whether files can be read, what stands in them, who its accounts are.
// All that touches the disk in this room stands here, in secret_file and in gate_files. Blocks; main thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

// Why this process cannot read `path`, empty when it can. Never blocks on a pipe.
std::string why_unreadable(const std::string& path);

// errno, 0 when all of it is in `into`; EFBIG when there is more than `most`.
int read_whole_file(const std::string& path, std::size_t most, std::string& into);

// In the order of their names. A pattern without * ? [..] is a name, whether there is such a file or not.
std::vector<std::string> files_matching(const std::string& pattern);

enum class Account { user, group };
// Its number by its name. Not thread-safe.
std::optional<std::uint32_t> account_number(const std::string& name, Account kind);

}  // namespace sluice::config
