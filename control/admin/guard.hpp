// Who may ask over TCP. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/protocol/problem.hpp"

namespace sluice::admin {

// Takes the same time wherever the two differ.
bool same_secret(std::string_view given, std::string_view secret);

// DNS rebinding: a page of another site reaches this address under that site's name, so Host must be an IP
// literal, localhost or `bound_host`; and a browser's Origin must be the Host itself. An empty `origin` is no
// browser's.
std::optional<protocol::Problem> check_browser(std::string_view host, std::string_view origin,
                                               std::string_view bound_host);

// `authorization` is the field's value. With an empty secret nothing is enough.
std::optional<protocol::Problem> check_token(std::string_view authorization, std::string_view secret);

}  // namespace sluice::admin
