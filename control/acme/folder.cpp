#include "control/acme/folder.hpp"

#include <boost/json/serialize.hpp>

#include "control/state/read_json.hpp"
#include "control/state/secret_file.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::acme {

namespace json = boost::json;
using state::number_field;
using state::text_field;

namespace {

std::string account_name(const config::AcmeSpec& spec) {
  constexpr std::size_t kEnough = 16;  // digits: accounts are few
  const std::string kid = spec.eab ? spec.eab->kid : "";
  return "/" + tls::digest_of({spec.directory, spec.email, kid}).substr(0, kEnough) + ".account";
}

}  // namespace

std::string asked_for_by(const config::AcmeSpec& spec) {
  std::string text = spec.directory;
  for (const auto& domain : spec.domains) text += " " + domain;
  return text;
}

boost::system::result<Account, std::string> Folder::account(const config::AcmeSpec& spec) {
  const std::string path = path_ + account_name(spec);
  if (!files_.exists(path)) {
    Account made{Key::make(), ""};
    if (const auto error = keep(spec, made)) return error.message();
    return made;
  }
  const auto text = files_.read(path);
  if (!text) return text.error().message();
  const json::value document = state::parse_json(*text);
  auto key = Key::from_pem(text_field(document, "key").value_or(""));
  if (!key) return path + " holds no account; move it away, and another one is made";
  return Account{std::move(*key), text_field(document, "url").value_or("")};
}

state::Error Folder::keep(const config::AcmeSpec& spec, const Account& account) {
  const json::object document{
      {"directory", spec.directory}, {"email", spec.email}, {"url", account.url}, {"key", account.key.pem()}};
  return write(account_name(spec), json::serialize(document) + "\n");
}

std::string Folder::certificate_file(const std::string& listener) const {
  return path_ + "/" + listener + ".pem";
}

// One file: there is no moment in which a key belongs to another certificate.
state::Error Folder::keep_certificate(const std::string& listener, const std::string& chain, const Key& key) {
  return write("/" + listener + ".pem", chain + (chain.ends_with('\n') ? "" : "\n") + key.pem());
}

Progress Folder::progress(const std::string& listener) {
  Progress progress;
  const std::string path = path_ + "/" + listener + ".state";
  if (!files_.exists(path)) return progress;
  const auto text = files_.read(path);
  if (!text) return progress;
  const json::value document = state::parse_json(*text);
  progress.asked_for = text_field(document, "asked_for").value_or("");
  progress.tried_for = text_field(document, "tried_for").value_or("");
  progress.issued = number_field<UnixMilliseconds>(document, "issued").value_or(0);
  progress.failures = number_field<std::uint32_t>(document, "failures").value_or(0);
  progress.kind = text_field(document, "kind") == "refused" ? FailureKind::refused : FailureKind::unreachable;
  progress.failed = number_field<UnixMilliseconds>(document, "failed").value_or(0);
  progress.not_before = number_field<UnixMilliseconds>(document, "not_before").value_or(0);
  progress.error = text_field(document, "error").value_or("");
  return progress;
}

state::Error Folder::keep(const std::string& listener, const Progress& progress) {
  const json::object document{{"asked_for", progress.asked_for},
                              {"tried_for", progress.tried_for},
                              {"issued", progress.issued},
                              {"failures", progress.failures},
                              {"kind", progress.kind == FailureKind::refused ? "refused" : "unreachable"},
                              {"failed", progress.failed},
                              {"not_before", progress.not_before},
                              {"error", progress.error}};
  return write("/" + listener + ".state", json::serialize(document) + "\n");
}

state::Error Folder::write(const std::string& name, const std::string& text) {
  if (auto error = files_.make_folder(path_)) return error;
  return state::write_secret_file(files_, path_, name, text);
}

}  // namespace sluice::acme
