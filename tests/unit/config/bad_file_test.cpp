// Bad files, bad YAML, bad keys at the top, bad listeners and bad admin sections.
#include "proxy/config/dump.hpp"
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

TEST(BadConfig, WhatIsNoConfigurationAtAll) {
  expect_complaints({
      {"", 1, 1, "the file is empty", ""},
      {"# nothing but a comment\n", 1, 1, "the file is empty", ""},
      {"~\n", 1, 1, "the file is empty", ""},
      {"- listeners\n- services\n", 1, 1, "must be a map .* not a list", ""},
      {"listeners\n", 1, 1, "must be a map .* not a single text", ""},
      {std::string("a: \0b", 5), 1, 1, "zero byte", ""},
      {top_3_1("---\nworkers: 2"), 3, 1, "a second YAML document", ""},
      {top_3_1("...\nworkers: 2"), 4, 1, "a second YAML document", ""},
      {"{a: b}\n{c: d}\n", 2, 1, "a second YAML document", ""},
      {"a: b\n}\n", 2, 1, "a closing bracket too many", ""},  // yaml-cpp 0.7 finds documents here without end
  });
}

TEST(BadConfig, WhatIsNoYaml) {
  expect_complaints({
      {"listeners:\n\t- name: web\n", 2, 1, "a tab stands in the indentation", ""},
      {"listeners:\n  - name: web\n\t  bind: x\n", 3, 1, "a tab stands in the indentation", ""},
      {"listeners: [{name: web\nservices: {}\n", 2, 9, "not valid YAML .*a bracket that was opened above",
       ""},
      {"listeners: [a]]\n", 1, 15, "not valid YAML .*a closing bracket too many", ""},
      {"state_dir: /a\n  workers: 2\n", 2, 10, "not valid YAML .*indented like its neighbours", ""},
      {"state_dir: a: b\n", 1, 13, "not valid YAML .*quoted", ""},
      {"state_dir: @home\n", 1, 12, "not valid YAML .*must be quoted", ""},
      {"state_dir: *home\n", 1, 12, "not valid YAML .*anchor", ""},
      {"workers: auto\nstate_dir: \"/var/lib/sluice\n", 2, 12, "the quote that opens here is never closed",
       ""},
      {"workers: auto\nstate_dir: '/var/lib/sluice", 2, 28, "a quote that was opened above is never closed",
       ""},
  });
}

TEST(BadConfig, KeysAtTheTop) {
  expect_complaints({
      {top_3_1("route: []"), 3, 1, "unknown key 'route' in the file", "routes"},
      {top_3_1("statedir: /tmp"), 3, 1, "unknown key 'statedir'", "state_dir"},
      {top_3_1("access-log: off"), 3, 1, "unknown key 'access-log'", "access_log"},
      {top_3_1("zebra: 1"), 3, 1, "unknown key 'zebra' in the file, its keys are listeners, admin, ", ""},
      {top_3_1("<<: 2"), 3, 5, "'<<' takes a map", ""},
      {top_3_1("? [a, b]\n: 1"), 3, 3, "a key in the file must be a text", ""},
      {top_3_1("workers: 2\nworkers: 3"), 4, 1,
       "duplicate key 'workers' in the file, it stands in line 3 already", ""},
      {"service: {api: {pools: {a: {backends: []}}}}\nlisteners: [{name: web, bind: \"h:1\"}]\nroutes: "
       "[{service: api}]\n",
       1, 1, "unknown key 'service'", "services"},
      {"services: {api: {pools: {a: {backends: []}}}}\n", 1, 1, "the file names no listener", ""},
      {"listeners: [{name: web, bind: \"h:1\"}]\n", 1, 1, "the file names no service", ""},
  });
}

TEST(BadConfig, ValuesAtTheTop) {
  expect_complaints({
      {top_3_1("workers: 0"), 3, 10, "a whole number from 1 to 256, not '0'", ""},
      {top_3_1("workers: 99999999999999999999"), 3, 10, "a whole number from 1 to 256", ""},
      {top_3_1("workers: -1"), 3, 10, "must be auto or a number from 1 to 256, not '-1'", ""},
      {top_3_1("workers: atuo"), 3, 10, "must be auto or a number", "auto"},
      {top_3_1("workers: [2]"), 3, 10, "'workers' must be a text, not a list", ""},
      {top_3_1("state_dir:"), 3, 1, "'state_dir' has no value", ""},
      {top_3_1("state_dir: ''"), 3, 12, "'state_dir' is empty", ""},
      {top_3_1("lame_duck: 30 sec"), 3, 12, "'30 sec' is not a duration, write a number and its unit", "30s"},
      {top_3_1("lame_duck: -1s"), 3, 12, "'-1s' is negative", ""},
      {top_3_1("shutdown_timeout: 99999h"), 3, 19, "'99999h' is too long, at most 8760h", ""},
      {top_3_1("shutdown_timeout: 99999999999999999999999s"), 3, 19, "too long", ""},
      {top_3_1("upgrade: {tunnels: now}"), 3, 20, "'tunnels' must be wait, spread: with a duration", ""},
      {top_3_1("upgrade: {tunnels: paced:0/s}"), 3, 20, "such as paced:20/s, not 'paced:0/s'", ""},
      {top_3_1("upgrade: {tunnels: spread:0s}"), 3, 20, "such as paced:20/s, not 'spread:0s'", ""},
      {top_3_1("upgrade: {tunnel: wait}"), 3, 11, "unknown key", "tunnels"},
      {top_3_1("upgrade: {socket: /" + std::string(107, 'x') + "}"), 3, 19, "is too long for a unix socket",
       ""},
      {top_3_1("debug_headers: maybe"), 3, 16, "must be true or false, not 'maybe'", ""},
      {top_3_1("debug_headers: ture"), 3, 16, "must be true or false", "true"},
      {top_3_1("access_log: /var/log/access.log"), 3, 13, "must be off or a map such as",
       "{path: /var/log/access.log}"},
      {top_3_1("access_log: of"), 3, 13, "must be off or a map such as", "off"},
      {top_3_1("access_log: {format: json}"), 3, 1, "'access_log' needs the key 'path'", ""},
      {top_3_1("access_log: {path: /a, format: jsno}"), 3, 32,
       "'format': a format is json, combined or a template", "json"},
      {top_3_1("access_log: {path: \"-\", format: \"{clint} {status}\"}"), 3, 33,
       "'format': there is no field '\\{clint\\}', the fields are ts, request_id", "client"},
      {top_3_1("access_log: {path: \"-\", format: \"{client\"}"), 3, 33, "'format': a '\\{' is not closed",
       ""},
  });
}

TEST(BadConfig, Listeners) {
  expect_complaints({
      {listener_4_5("bnid: x"), 4, 5, "unknown key 'bnid' in a listener", "bind"},
      {listener_4_5("header_timeout: 0s"), 4, 21, "'0s' is too short", ""},
      {listener_4_5("body_timeout: 5"), 4, 19, "'5' is not a duration", "5s"},
      {listener_4_5("idle_timeout: [60s]"), 4, 19, "must be a duration such as .*, not a list", ""},
      {listener_4_5("max_connections: many"), 4, 22, "a whole number from 0 to 10000000, not 'many'", ""},
      {listener_4_5("max_connections_per_client: -1"), 4, 33, "a whole number from 0 to 10000000, not '-1'",
       ""},
      {listener_4_5("max_requests: 1.5"), 4, 19, "a whole number from 0 to 10000000, not '1.5'", ""},
      {listener_4_5("max_header_bytes: 33KiB"), 4, 23, "must be from 1024 to 32768 bytes", ""},
      {listener_4_5("max_header_bytes: 100"), 4, 23, "must be from 1024 to 32768 bytes", ""},
      {listener_4_5("max_target: 9000"), 4, 17, "must be from 64 to 8192 bytes", ""},
      {listener_4_5("max_headers: 101"), 4, 18, "a whole number from 1 to 100, not '101'", ""},
      {listener_4_5("max_body: 10MB"), 4, 15, "'10MB' is not a size", "10MiB"},
      {listener_4_5("min_body_rate: slow"), 4, 20, "a whole number from 0 to 10000000, not 'slow'", ""},
      {listener_4_5("proxy_protocol: v1"), 4, 21, "must be true or false, not 'v1'", ""},
      {listener_4_5("proxy_protocol: true"), 4, 21, "listener 'web' would refuse every connection", ""},
      {listener_4_5("trusted_proxies: 10.0.0.0/8"), 4, 22, "must be a list", "[10.0.0.0/8]"},
      {listener_4_5("trusted_proxies: [10.0.0.0/33]"), 4, 23, "'10.0.0.0/33' is not a network", ""},
      {listener_4_5("trusted_proxies: [10.1.0.0/8]"), 4, 23, "'10.1.0.0/8' has bits behind its prefix",
       "10.0.0.0/8"},
      {listener_4_5("pools: [green]"), 4, 12, "'pools' must be a map, not a list", ""},
      {listener_4_5("pools: {ap: green}"), 4, 13, "there is no service 'ap', the services are api", "api"},
      {listener_4_5("pools: {api: gren}"), 4, 18,
       "service 'api' has no pool 'gren', its pools are blue and green", "green"},
      {listener_4_5("name: again"), 4, 5, "duplicate key 'name' in a listener", ""},
      {"listeners: [web]\nservices: {a: {pools: {p: {backends: []}}}}\n", 1, 13,
       "a listener must be a map, not 'web'", ""},
      {"listeners: {name: web}\nservices: {a: {pools: {p: {backends: []}}}}\n", 1, 12,
       "'listeners' must be a list, not a map", ""},
      {"listeners: [{bind: \"h:1\"}]\nservices: {a: {pools: {p: {backends: []}}}}\n", 1, 13,
       "needs the key 'name'", ""},
      {"listeners: [{name: web}]\nservices: {a: {pools: {p: {backends: []}}}}\n", 1, 13,
       "needs the key 'bind'", ""},
      {"listeners:\n- {name: web, bind: \"h:1\"}\n- {name: web, bind: \"h:2\"}\nservices: {a: {pools: {p: "
       "{backends: []}}}}\n",
       3, 10, "duplicate listener 'web', it stands in line 2 already", ""},
      {"listeners:\n- {name: a, bind: \"[::1]:80\"}\n- {name: b, bind: \"[0:0::1]:80\"}\nservices: {a: "
       "{pools: {p: {backends: []}}}}\n",
       3, 19, "duplicate address '\\[0:0::1\\]:80', it stands in line 2 already", ""},
      {"listeners: [{name: a b, bind: \"h:1\"}]\nservices: {a: {pools: {p: {backends: []}}}}\n", 1, 20,
       "'a b' is not a name", ""},
  });
}

std::string bound_to(const std::string& address) {
  return "services: {a: {pools: {p: {backends: []}}}}\nlisteners: [{name: web, bind: " + address + "}]\n";
}

TEST(BadConfig, ListenerAddresses) {
  expect_complaints({
      {bound_to("8080"), 2, 31, "it has no port, write HOST:PORT", ""},
      {bound_to("\":8080\""), 2, 31, "it has no host", "0.0.0.0:8080"},
      {bound_to("127.0.0.1:65536"), 2, 31, "its port '65536' is not a number from 0 to 65535", ""},
      {bound_to("127.0.0.1:http"), 2, 31, "its port 'http' is not a number", ""},
      {bound_to("127.0.0.1:-1"), 2, 31, "its port '-1' is not a number", ""},
      {bound_to("127.0.0.256:80"), 2, 31, "'127.0.0.256' is not an IPv4 address", ""},
      {bound_to("\"::1:80\""), 2, 31, "an IPv6 address stands in brackets", "[::1]:80"},
      {bound_to("\"[::1]\""), 2, 31, "it has no port", ""},
      {bound_to("\"[::1:80\""), 2, 31, "its bracket is not closed", ""},
      {bound_to("\"[::g]:80\""), 2, 31, "'::g' in the brackets is not an IPv6 address", ""},
      {bound_to("\"a_b!:80\""), 2, 31, "'a_b!' is not a host name", ""},
      {bound_to("http://127.0.0.1:80/"), 2, 31, "it is a URL", "127.0.0.1:80"},
  });
}

TEST(BadConfig, Admin) {
  expect_complaints({
      {top_3_1("admin: {sock: /x}"), 3, 9, "unknown key 'sock' in 'admin'", "socket"},
      {top_3_1("admin: /x"), 3, 8, "'admin' must be a map, not '/x'", ""},
      {top_3_1("admin: {socket: /" + std::string(110, 'x') + "}"), 3, 17, "too long for a unix socket", ""},
      {top_3_1("admin: {socket_mode: \"0999\"}"), 3, 22, "permission bits in octal", ""},
      {top_3_1("admin: {socket_mode: \"01777\"}"), 3, 22, "permission bits in octal", ""},
      {top_3_1("admin: {socket_group: no-such-group}"), 3, 23, "there is no group 'no-such-group'", ""},
      {top_3_1("admin: {roles: [{role: operater, user: root}]}"), 3, 24, "operater", "operator"},
      {top_3_1("admin: {roles: [{role: viewer, user: no-such-user}]}"), 3, 38,
       "there is no user 'no-such-user'", ""},
      {top_3_1("admin: {roles: [{role: viewer}]}"), 3, 17, "for a 'user' or for a 'group'", ""},
      {top_3_1("admin: {roles: [{role: viewer, user: root, group: root}]}"), 3, 17, "one of them", ""},
      {top_3_1("admin: {roles: [{user: root}]}"), 3, 17, "needs the key 'role'", ""},
      {top_3_1("admin: {http: {}}"), 3, 9, "'http' needs the key 'bind'", ""},
      {top_3_1("admin: {http: {bind: \"127.0.0.1:8080\"}}"), 3, 22,
       "duplicate address '127.0.0.1:8080', it stands in line 1", ""},
      {top_3_1("admin: {http: {bind: \"h:1\", token_file: /no/such/token}}"), 3, 41,
       "'token_file': the file '/no/such/token' cannot be read \\(No such file or directory\\)", ""},
      {top_3_1("admin: {http: {bind: \"h:1\", token_file: /tmp}}"), 3, 41, "it is a folder", ""},
      {top_3_1("admin: {http: {bind: \"h:1\", token_file: no-such-token}}"), 3, 41, "it was looked for in /",
       ""},
  });
}

std::string acme(const std::string& keys) {
  return listener_4_5("tls: {acme: {directory: \"https://ca.test/dir\", " + keys + "}}");
}

TEST(BadConfig, AcmeSections) {
  expect_complaints({
      {listener_4_5("tls: {}"), 4, 5, "'tls' needs the key 'certificates' or 'acme'", ""},
      {listener_4_5("tls: {acme: {domains: [a.test]}}"), 4, 11, "'acme' needs the key 'directory'", ""},
      {acme("email: a@b.test"), 4, 11, "'acme' needs the key 'domains'", ""},
      {acme("domains: []"), 4, 61, "'domains' is empty, name what the certificate is for", ""},
      {acme("domains: [\"*.a.test\"]"), 4, 62, "a wildcard needs DNS-01, which Sluice does not do", ""},
      {acme("domains: [192.0.2.1]"), 4, 62, "an address is no name that a certificate is ordered for", ""},
      {acme("domains: [\"2001:db8::1\"]"), 4, 62, "an address is no name", ""},
      {acme("domains: [a_b.test]"), 4, 62, "'a_b.test' is not a domain, write a host name", ""},
      {acme("domains: [a..test]"), 4, 62, "'a..test' is not a domain", ""},
      {acme("domains: [a.test.]"), 4, 62, "'a.test.' is not a domain", ""},
      {acme("domains: [\"a.test:443\"]"), 4, 62, "'a.test:443' is not a domain", ""},
      {acme("domains: [A.test]"), 4, 62, "written in lower case", "a.test"},
      {acme("domains: [a.test, a.test]"), 4, 70, "'a.test' stands in 'domains' already", ""},
      {acme("domains: [a.test], email: ops"), 4, 78, "'ops' is not an e-mail address", ""},
      {acme("domains: [a.test], email: \"mailto:a@b.test\""), 4, 78, "leave mailto: out", "a@b.test"},
      {acme("domains: [a.test], challenge: dns-01"), 4, 82,
       "'challenge' must be one of tls-alpn-01 and http-01", ""},
      {acme("domains: [a.test], challenge: http-01"), 4, 11,
       "listener 'web': 'challenge: http-01' needs a listener without 'tls'", ""},
      {acme("domains: [a.test], ca: /no/ca"), 4, 75, "'ca': the file '/no/ca' cannot be read", ""},
      {acme("domains: [a.test], eab: {kid: k}"), 4, 71, "'eab' needs the key 'hmac_file'", ""},
      {acme("domains: [a.test], domain: b.test"), 4, 71, "unknown key 'domain' in 'acme'", "domains"},
      {listener_4_5("tls: {acme: {directory: \"http://ca.test/dir\", domains: [a.test]}}"), 4, 29,
       "is not the directory of an ACME server, it begins with https://", "https://ca.test/dir"},
      {listener_4_5("tls: {acme: {directory: ca.test, domains: [a.test]}}"), 4, 29, "'ca.test' is not",
       "https://ca.test"},
  });
  for (const char* here :
       {"http://127.0.0.1:14000/dir", "http://[::1]:14000/dir", "http://localhost:14000/dir"})
    EXPECT_THAT(texts(load_text(listener_4_5("tls: {acme: {directory: \"" + std::string(here) +
                                             "\", domains: [a.test, "
                                             "xn--bcher-kva.test]}}"),
                                "f")
                          .complaints),
                testing::IsEmpty())
        << here;
}

TEST(BadConfig, AnAcmeSectionComesBackFromItsDump) {
  const Loaded loaded =
      load_text(acme("email: a@b.test, domains: [a.test, b.test], challenge: tls-alpn-01"), "f");
  ASSERT_TRUE(loaded.spec);
  const Loaded again = load_text(to_yaml(*loaded.spec), "f");
  EXPECT_THAT(texts(again.complaints), testing::IsEmpty());
  EXPECT_EQ(*again.spec, *loaded.spec);
}

// X5, T3: what is wrong with a certificate is said with the place of its file, before anything is served.
TEST(BadConfig, TlsFilesMustBeUsableAndCompatNamesAService) {
  const auto said = [](const std::string& yaml) { return texts(load_text(yaml, "f").complaints); };
  using testing::ElementsAre;
  using testing::HasSubstr;
  const std::string own = SLUICE_SOURCE_DIR "/CMakeLists.txt";  // some file that can be read
  EXPECT_THAT(said(listener_4_5("tls: {certificates: [{cert: " + own + ", key: " + own + "}]}")),
              ElementsAre(HasSubstr("4:33: 'cert': the file '" + own +
                                    "' cannot be used: it holds no certificate in PEM")));
  EXPECT_THAT(said(listener_4_5("tls: {certificates: []}")),
              ElementsAre(HasSubstr("4:25: 'certificates' is empty")));
  EXPECT_THAT(said(listener_4_5("tls: {cert: x}")),
              ElementsAre(HasSubstr("4:11: unknown key 'cert' in 'tls', did you mean 'certificates'?")));
  EXPECT_THAT(said(listener_4_5("tls: {certificates: [{cert: /no/cert, key: /no/key}], min_version: 1.1}")),
              ElementsAre(HasSubstr("4:33: 'cert': the file '/no/cert' cannot be read"),
                          HasSubstr("4:48: 'key': the file '/no/key' cannot be read"),
                          HasSubstr("4:72: 'min_version' must be one of 1.2 and 1.3")));
  EXPECT_THAT(said(pools_5_5("pools: {a: {backends: [], tls: {ca: /no/ca}}}")),
              ElementsAre(HasSubstr("5:41: 'ca': the file '/no/ca' cannot be read")));
  EXPECT_THAT(said(pools_5_5("pools: {a: {backends: [], tls: {ca: " + own + "}}}")),
              ElementsAre(HasSubstr("'ca': the file '" + own + "' cannot be used")));
  EXPECT_THAT(said(pools_5_5("pools: {a: {backends: [], tls: {cert: " + own + "}}}")),
              ElementsAre(HasSubstr("'cert' needs its 'key'")));
  EXPECT_THAT(said(top_3_1("admin: {compat: {bind: \"h:1\", service: apo}}")),
              ElementsAre(HasSubstr("3:40: there is no service 'apo', the services are api and front, "
                                    "did you mean 'api'?")));
}

}  // namespace
}  // namespace sluice::config
