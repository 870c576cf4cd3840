// What goes wrong, as a value: the daemon sends it as application/problem+json (RFC 9457), the CLI prints it
// and exits by it.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::protocol {

// The exit codes of sluicectl. A problem carries the one that its reader should exit with.
enum class Exit : std::uint8_t {
  done = 0,
  internal = 1,     // our fault
  usage = 2,        // the request or the configuration is wrong as written
  unreachable = 3,  // only the CLI itself says so
  not_found = 4,
  conflict = 5,     // the generation moved, a rollout is active
  gate_failed = 6,  // a rollout was rolled back
  timed_out = 7,    // the operation goes on
  forced = 8,       // drained, but some connections had to be closed
  refused = 9,      // a precondition or a permission
};
// "not_found"; the last part of a problem's `type`.
std::string_view name_of(Exit exit);

struct Problem {
  int status = 500;  // HTTP; 0: it never went over HTTP
  Exit exit = Exit::internal;
  std::string title;       // short, the same for every problem of its kind
  std::string detail;      // what and why, with names and numbers
  std::string field;       // of the request, when one is to blame
  std::string suggestion;  // what to do or type instead
};

// "did you mean 'api'?", else "there are api and web"; empty without candidates. For Problem::suggestion.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

// The kinds, each with its HTTP status and exit code.
Problem malformed(std::string detail, std::string field = {});           // 400, usage
Problem not_found(std::string detail, std::string suggestion = {});      // 404
Problem conflict(std::string detail, std::string suggestion = {});       // 409
Problem generation_moved(std::uint64_t expected, std::uint64_t actual);  // 412, conflict
Problem refused(std::string detail, std::string suggestion = {});        // 409, refused
Problem forbidden(std::string detail, std::string suggestion = {});      // 403, refused
Problem gate_failed(std::string detail, std::string suggestion = {});    // 409, gate_failed
Problem invalid_config(std::string detail);                              // 422, usage
Problem replaced();                                                      // 503, refused
Problem timed_out(std::string detail);                                   // 504
Problem internal(std::string detail);                                    // 500

boost::json::object to_json(const Problem& problem);
// Reads what any server may have sent; what is missing is filled in from `status`.
Problem problem_from(const boost::json::value& document, int status);

}  // namespace sluice::protocol
