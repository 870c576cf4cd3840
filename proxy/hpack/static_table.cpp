#include "proxy/hpack/static_table.hpp"

namespace sluice::hpack {
namespace {

struct Row {
  std::string_view name, value;
};

constexpr Row kRows[kStaticFields] = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
};

}  // namespace

StaticTable::StaticTable() {
  for (std::uint32_t index = 1; index <= kStaticFields; ++index) {
    const auto& [name, value] = kRows[index - 1];
    fields_[index - 1] = {name, value, form_of(name, value)};
    const std::uint64_t by_name = hash(name, 0);
    if (find(name, by_name) == 0) put(names_, by_name, index);
    if (!value.empty()) put(whole_, hash(value, by_name), index);
  }
}

void StaticTable::put(Places& places, std::uint64_t hash, std::uint32_t index) {
  std::size_t at = place(hash);
  while (places[at] > 0) at = (at + 1) % kRoom;
  places[at] = static_cast<std::uint8_t>(index);
}

const StaticTable static_table;

}  // namespace sluice::hpack
