// Whether an audit log is whole: all of its files, in pieces of any size, so that a long one neither fills
// the memory nor holds its reader up. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control/audit/chain.hpp"
#include "control/protocol/audit.hpp"

struct evp_md_ctx_st;

namespace sluice::audit {

//   Verifier verifier;
//   for each file, the oldest first: verifier.file(name); verifier.take(bytes) as often as needed;
//   verifier.end(head)
class Verifier {
 public:
  Verifier();
  ~Verifier();

  void file(std::string name);
  void take(std::string_view bytes);
  // `head`: with which the log is known to end; nothing: that is not known.
  protocol::AuditVerified end(const std::optional<Head>& head);

 private:
  // What is of no chain since the last line that is.
  struct Unchained {
    std::string file;
    std::uint64_t line = 0;  // its first one
    std::uint64_t lines = 0, bytes = 0;
  };

  void end_file();
  void line(std::string_view text, bool whole);
  void add_unchained(std::string_view text, bool whole);
  void add_link(const Link& link);
  bool explains_unchained(const Link& link);
  void fault(std::string kind, std::string text);
  void fault_at(const std::string& file, std::uint64_t line, std::string kind, std::string text);

  protocol::AuditVerified found_;
  std::string file_;
  std::uint64_t line_ = 0;  // of file_, from 1
  std::string begun_;       // of a line, whose end is still to come
  std::optional<Head> last_;
  std::optional<Unchained> unchained_;
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> unchained_hash_;
};

// Which of two files is the earlier: the number of the first line of the chain in it, 0 when there is none.
std::uint64_t first_number_in(std::string_view content);

}  // namespace sluice::audit
