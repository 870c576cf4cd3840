// Who may ask by a bearer token. A token file is read again when it changes, so that a token is given or
// taken back without a restart. Control thread only.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/protocol/token.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::admin {

// A token that was let in: its name, for the history, and what it may do.
struct Token {
  std::string name;
  config::Role role = config::Role::admin;
  protocol::TokenDigest digest{};
};

// The text of a token file. Lines `NAME ROLE sha256:HEX`, `#` begins a comment; or, as the first line, a
// token as it is, which then is an admin called `file_name`. Pure. On failure `why` says which line and what.
std::optional<std::vector<Token>> tokens_from(std::string_view text, const std::string& file_name,
                                              std::string& why);

class TokenFile {
 public:
  // An error text, or empty. Without a path nobody is let in.
  std::string open(const std::string& path);
  bool none() const { return path_.empty(); }

  // Who has this token; null for nobody. Takes the same time for every wrong one.
  const Token* find(std::string_view token);

 private:
  std::string read();
  void look_again();

  std::string path_;
  std::vector<Token> tokens_;
  timespec changed_{};  // of what was read last
  ino_t inode_ = 0;
};

// What is wrong with the content of the token files that `spec` names, with its key before it; or empty. For
// `sluiced --check`, which starts nothing.
std::string token_files_error(const config::AdminSpec& spec);

}  // namespace sluice::admin
