// The small grammars of the configuration: names, header fields, methods, host patterns, paths. Pure
// predicates.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/values.hpp"

namespace sluice::config {

// Each returns nothing when `text` is right, else what is wrong with it ("'a b' is not a name, ...").
using Invalid = std::optional<ValueError>;

// Names of listeners, services, pools, backends and plans. They stand in URLs, in SERVICE/POOL/BACKEND and
// SERVICE=POOL.
Invalid name_error(std::string_view text);

// Of a backend: a unix socket may be called by its path.
Invalid backend_name_error(std::string_view text);

// A header field, cookie or method: RFC 9110 section 5.6.2. `kind` is what it is called in the message ("a
// header name").
Invalid token_error(std::string_view text, std::string_view kind);

Invalid cookie_name_error(std::string_view text);

// A token in upper case; methods are case-sensitive (RFC 9110 section 9.1) and all that are registered are
// upper case.
Invalid method_error(std::string_view text);

// "api.example.com", "*.example.com", "[::1]"; without a port.
Invalid host_pattern_error(std::string_view text);

// Begins with '/', without query, fragment, blanks and control characters.
Invalid path_error(std::string_view text);

// As path_error, but a query may follow: the target of a health check.
Invalid target_error(std::string_view text);

// A Host header: "api.example.com", "api.example.com:8080".
Invalid host_header_error(std::string_view text);

// A header field's value, RFC 9110 section 5.5: no control characters, no blanks around it.
Invalid field_value_error(std::string_view text);

// A cookie's Domain and Path attributes, RFC 6265 sections 4.1.2.3 and 4.1.2.4: "example.com"; a path as in
// path_error without semicolons.
Invalid cookie_domain_error(std::string_view text);
Invalid cookie_path_error(std::string_view text);

// The path of a unix socket to listen on.
Invalid socket_path_error(std::string_view text);

// The format of an access log (proxy/base/log_format.hpp).
Invalid log_format_error(std::string_view text);

// A user of Basic authentication, RFC 7617: no colon, no control characters.
Invalid user_error(std::string_view text);

// A name that an ACME server can prove (RFC 8555 7.1.4) without DNS-01: no wildcard, no address.
Invalid domain_error(std::string_view text);
// Where an ACME server's directory is: https, or http on this machine. What is said shows no password.
Invalid acme_directory_error(std::string_view text);
Invalid email_error(std::string_view text);

// ASCII alone.
std::string lower(std::string text);

// "http://host:port/..." or https, that can be asked as it stands. What is said shows no password.
Invalid url_error(std::string_view text);
// Likewise of a Prometheus, to which /api/v1/query is added.
Invalid prometheus_error(std::string_view text);
// Likewise of a collector of traces, to which /v1/traces is added.
Invalid collector_error(std::string_view text);
// What stands for a value that is not shown.
inline constexpr std::string_view kHiddenValue = "***";
// Likewise of a URL that is a secret by itself: what is said shows none of it.
Invalid secret_url_error(std::string_view text);
// The host of one that is right: "https://hooks.slack.com/***".
std::string shown_secret_url(std::string_view text);

}  // namespace sluice::config
