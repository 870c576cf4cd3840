// The journal's outer form: a header line, then records of length, checksum and payload. Pure. See
// JOURNAL.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::state {

// The last number is the format's version.
inline constexpr std::string_view kJournalHeader = "sluice journal 1\n";

// CRC-32C (Castagnoli).
std::uint32_t crc32c(std::string_view bytes);

// [u32 length][u32 crc32c of length and payload][payload], both little-endian. Requires: a payload that
// begins with '{' and ends with '}', which makes records findable behind a damaged one.
std::string framed(std::string_view payload);

// How a journal ended.
enum class Ending : std::uint8_t {
  clean,
  torn,     // the last record is incomplete: it was never acknowledged
  damaged,  // records that were acknowledged cannot be read
};

struct Records {
  std::vector<std::string_view> payloads;  // up to the first that is not whole
  Ending ending = Ending::clean;
};

// The records in `bytes`, which is a journal without its header.
Records records_in(std::string_view bytes);

}  // namespace sluice::state
