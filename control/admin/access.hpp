// Who may ask what. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/protocol/problem.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::admin {

// DNS rebinding: a page of another site reaches this address under that site's name, so Host must be an IP
// literal, localhost or `bound_host`; and a browser's Origin must be the Host itself. An empty `origin` is no
// browser's.
std::optional<protocol::Problem> check_browser(std::string_view host, std::string_view origin,
                                               std::string_view bound_host);

// Scripts ask by whatever name they were given; a browser says where its page is from, and no page may ask.
std::optional<protocol::Problem> check_script(std::string_view origin);

// The token of `Authorization: Bearer TOKEN`; empty without one.
std::string_view bearer_of(std::string_view authorization);
// Why who has no token that is known is not let in. `file`: the listener has a token_file; `listener` is its
// key in the configuration.
protocol::Problem no_token(std::string_view authorization, bool file, std::string_view listener);

// "viewer", "operator", "admin".
std::string_view word_of(config::Role role);
std::optional<protocol::Problem> check_role(config::Role has, config::Role needs);

// Of who comes by the unix socket: the most that a rule gives the user or one of the groups. Root and the
// daemon's own user are always admins, and everybody is when there are no rules.
config::Role role_of(std::uint32_t uid, std::span<const std::uint32_t> groups, std::uint32_t own_uid,
                     const std::vector<config::RoleSpec>& roles);

}  // namespace sluice::admin
