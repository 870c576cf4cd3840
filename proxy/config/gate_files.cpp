#include "proxy/config/gate_files.hpp"

#include "proxy/config/secret_file.hpp"
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

void check_gate(const GateSpec& gate, FileNames names, Complaints& out) {
  const auto check = [&](const std::string& within, const char* key, const std::string& path,
                         const auto& why_not) {
    if (path.empty()) return;
    const Place place = gate.places.of(within + key, gate.place);
    if (names == FileNames::whole && path[0] != '/')
      return out.add(place, "'" + std::string(key) + "': write the whole path of " + quoted(path) +
                                ", the daemon does not know where this plan's folder is");
    const std::string why = why_not(path);
    if (!why.empty()) out.add(place, "'" + std::string(key) + "': the file " + quoted(path) + " " + why);
  };
  if (gate.prometheus.empty() && gate.http.empty()) return;  // where they have no meaning, which is said
  if (!gate.prometheus.starts_with("http://") && !gate.http.starts_with("http://"))
    check("", "ca", gate.reach.ca, why_no_ca);
  check("basic_auth/", "password_file", gate.reach.password_file,
        [](const std::string& path) { return why_no_secret(path, SecretKind::password); });
  check("", "bearer_file", gate.reach.bearer_file,
        [](const std::string& path) { return why_no_secret(path, SecretKind::token); });
}

}  // namespace

std::vector<Complaint> check_gate_files(const PlanSpec& plan, const SourceFiles& files, FileNames names) {
  Complaints out(files);
  for (const auto& gate : plan.gates) check_gate(gate, names, out);
  return std::move(out).sorted();
}

}  // namespace sluice::config
