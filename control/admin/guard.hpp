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

// Scripts ask by whatever name they were given; a browser says where its page is from, and no page may ask.
std::optional<protocol::Problem> check_script(std::string_view origin);

// `authorization` is the field's value. With an empty secret nothing is enough. `listener` is the key of the
// configuration where a token_file can stand.
std::optional<protocol::Problem> check_token(std::string_view authorization, std::string_view secret,
                                             std::string_view listener);

}  // namespace sluice::admin
