// Whether the audit log is whole: what `sluicectl history --verify` asks and what it is answered. Written by
// the daemon, or by sluicectl itself of files that it is given. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/answer.hpp"
#include "control/protocol/describe.hpp"

namespace sluice::protocol {

struct VerifyAudit {
  static constexpr Route kRoutes[] = {reads("GET", "/v1/history/verify")};
};

// The last line of the chain: its number and hash. To be kept where who can write the log cannot.
struct AuditHead {
  std::uint64_t number = 0;
  std::string hash;

  static void fields(auto& self, auto& visit) {
    visit("number", self.number);
    visit("hash", self.hash);
  }
};

// The first place that does not fit.
struct AuditFault {
  std::string file;
  std::uint64_t line = 0;  // from 1
  std::string kind;        // "changed", "missing", "inserted", "torn", "unchained"
  std::string text;        // a sentence

  static void fields(auto& self, auto& visit) {
    visit("file", self.file);
    visit("line", self.line);
    visit("kind", self.kind);
    visit("text", self.text);
  }
};

struct AuditVerified {
  bool whole = false;
  std::uint64_t lines = 0;      // of the chain, up to the fault
  std::uint64_t unchained = 0;  // of no chain, which a start found and said so
  std::uint64_t first = 0;      // number of the first line of the chain
  std::string since, until;     // times of the first and the last line of the chain; empty without one
  AuditHead head;
  Strings files;
  Strings notes;  // what is no fault and worth knowing, a sentence each
  std::optional<AuditFault> fault;

  static void fields(auto& self, auto& visit) {
    visit("whole", self.whole);
    visit("lines", self.lines);
    visit("unchained", self.unchained);
    visit("first", self.first);
    visit("since", self.since);
    visit("until", self.until);
    visit("head", self.head);
    visit("files", self.files);
    visit("notes", self.notes);
    visit.or_null("fault", self.fault);
  }
};

}  // namespace sluice::protocol
