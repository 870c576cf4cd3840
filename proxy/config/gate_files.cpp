#include "proxy/config/gate_files.hpp"

#include "proxy/config/secret_file.hpp"
#include "proxy/config/syntax.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::config {
namespace {

std::string why_no_ca(const std::string& path) {
  std::string digest;
  const std::string why = tls::check_ca_file(path, digest);
  return why.empty() ? why : "cannot be used (" + why + ")";
}

std::string why_no_secret(const std::string& path, SecretKind kind) {
  std::string why;
  read_secret(path, kind, why);
  return why;
}

// The files of one map that asks a URL.
struct FileCheck {
  const Places& places;
  Place place;
  FileNames names;
  Complaints& out;

  template <class WhyNot>
  void operator()(const std::string& within, const char* key, const std::string& path,
                  const WhyNot& why_not) const {
    if (path.empty()) return;
    const Place at = places.of(within + key, place);
    if (names == FileNames::whole && path[0] != '/')
      return out.add(at, "'" + std::string(key) + "': write the whole path of " + quoted(path) +
                             ", the daemon does not know where this plan's folder is");
    const std::string why = why_not(path);
    if (!why.empty()) out.add(at, "'" + std::string(key) + "': the file " + quoted(path) + " " + why);
  }
  void secrets(const ReachSpec& reach) const {
    (*this)("basic_auth/", "password_file", reach.password_file,
            [](const std::string& path) { return why_no_secret(path, SecretKind::password); });
    (*this)("", "bearer_file", reach.bearer_file,
            [](const std::string& path) { return why_no_secret(path, SecretKind::token); });
  }
};

void check_gate(const GateSpec& gate, FileNames names, Complaints& out) {
  if (gate.prometheus.empty() && gate.http.empty()) return;  // where they have no meaning, which is said
  const FileCheck check{gate.places, gate.place, names, out};
  if (!gate.prometheus.starts_with("http://") && !gate.http.starts_with("http://"))
    check("", "ca", gate.reach.ca, why_no_ca);
  check.secrets(gate.reach);
}

std::string why_no_url(const std::string& path) {
  std::string why;
  const std::string url = read_secret(path, SecretKind::token, why);
  if (!why.empty()) return why;
  const Invalid invalid = secret_url_error(url);
  return invalid ? "holds no URL: " + invalid->what : std::string();
}

}  // namespace

std::vector<Complaint> check_gate_files(const PlanSpec& plan, const SourceFiles& files, FileNames names) {
  Complaints out(files);
  for (const auto& gate : plan.gates) check_gate(gate, names, out);
  return std::move(out).sorted();
}

std::vector<Complaint> check_tracing_files(const Spec& spec) {
  Complaints out(spec.sources());
  const TracingSpec& tracing = spec.tracing;
  const FileCheck check{tracing.places, tracing.place, FileNames::any, out};
  if (!tracing.endpoint.starts_with("http://")) check("", "ca", tracing.reach.ca, why_no_ca);
  check.secrets(tracing.reach);
  return std::move(out).sorted();
}

std::vector<Complaint> check_notify_files(const Spec& spec) {
  Complaints out(spec.sources());
  for (const auto& target : spec.notify) {
    const FileCheck check{target.places, target.place, FileNames::any, out};
    check("", "url_file", target.url_file, why_no_url);
    if (!target.url.starts_with("http://")) check("", "ca", target.reach.ca, why_no_ca);
    check.secrets(target.reach);
  }
  return std::move(out).sorted();
}

}  // namespace sluice::config
