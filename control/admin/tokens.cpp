#include "control/admin/tokens.hpp"

#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proxy/base/denied.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

using config::Role;

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool read_hex(std::string_view text, protocol::TokenDigest& digest) {
  if (text.size() != 2 * digest.size()) return false;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    digest[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

std::optional<Role> role_from(const std::string& word) {
  if (word == "viewer") return Role::viewer;
  if (word == "operator") return Role::operate;
  if (word == "admin") return Role::admin;
  return std::nullopt;
}

// What is wrong with a line of three words, without telling what stands in it: it may be a secret.
std::string read_line(std::string_view line, Token& token) {
  std::istringstream words{std::string(line)};
  std::string role, hash, more;
  words >> token.name >> role >> hash;
  if (hash.empty() || words >> more) return "a line is NAME ROLE sha256:HEX";
  const auto meant = role_from(role);
  if (!meant) return "a role is viewer, operator or admin";
  token.role = *meant;
  if (!hash.starts_with(protocol::kTokenHash) ||
      !read_hex(std::string_view(hash).substr(protocol::kTokenHash.size()), token.digest))
    return "the hash is sha256: and 64 hexadecimal digits; `sluicectl token NAME` makes one";
  return {};
}

}  // namespace

std::optional<std::vector<Token>> tokens_from(std::string_view text, const std::string& file_name,
                                              std::string& why) {
  std::vector<Token> tokens;
  int number = 0;
  bool plain = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (number == 1 && !line.empty() && line.find_first_of(" \t#") == std::string_view::npos) {
      plain = true;
      tokens.push_back({file_name, Role::admin, protocol::digest_of(line)});
      continue;
    }
    if (plain || line.empty() || line.starts_with('#')) continue;  // behind a plain token anything may stand
    Token token;
    if (why = read_line(line, token); !why.empty()) {
      why = "line " + std::to_string(number) + ": " + why;
      return std::nullopt;
    }
    tokens.push_back(std::move(token));
  }
  if (tokens.empty()) why = "it is empty, or holds no token";
  return tokens.empty() ? std::nullopt : std::optional(std::move(tokens));
}

std::string TokenFile::open(const std::string& path) {
  path_ = path;
  return path.empty() ? "" : read();
}

std::string TokenFile::read() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0) {
    changed_ = status.st_mtim;
    inode_ = status.st_ino;
  }
  std::ifstream in(path_);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return "cannot read " + path_ + ": " + why_denied(path_, errno);
  std::string why;
  auto tokens = tokens_from(text.str(), std::filesystem::path(path_).filename(), why);
  if (!tokens) return path_ + ": " + why;
  if (status.st_mode & S_IRWXO)
    spdlog::warn("{} can be read or written by every user of this machine", path_);
  tokens_ = std::move(*tokens);
  return {};
}

// What cannot be read now leaves the tokens that were read before.
void TokenFile::look_again() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return;
  if (status.st_ino == inode_ && status.st_mtim.tv_sec == changed_.tv_sec &&
      status.st_mtim.tv_nsec == changed_.tv_nsec)
    return;
  const auto error = read();
  if (error.empty())
    spdlog::info("{} was read again: {} tokens", path_, tokens_.size());
  else
    spdlog::error("the tokens stay as they were: {}", error);
}

const Token* TokenFile::find(std::string_view token) {
  if (path_.empty()) return nullptr;
  look_again();
  const auto digest = protocol::digest_of(token);
  const Token* found = nullptr;
  for (const auto& known : tokens_)
    if (CRYPTO_memcmp(known.digest.data(), digest.data(), digest.size()) == 0) found = &known;
  return found;
}

std::string token_files_error(const config::AdminSpec& spec) {
  const auto error_of = [](const char* key, const std::string& path) {
    const auto error = TokenFile().open(path);
    return error.empty() ? error : key + error;
  };
  std::string error;
  if (spec.http) error = error_of("admin.http: ", spec.http->token_file);
  if (error.empty() && spec.compat) error = error_of("admin.compat: ", spec.compat->token_file);
  return error;
}

}  // namespace sluice::admin
