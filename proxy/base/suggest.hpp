// "did you mean": the word of a known set that a misspelt one was probably meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// The nearest candidate, by edits (insert, delete, replace, swap of neighbours) that ignore case and take '-'
// for '_', or the only one that begins with `word`. Empty when none is near enough to be worth saying; the
// first of equally near ones.
std::string suggest(std::string_view word, std::span<const std::string> candidates);

// `what` with ", did you mean 'x'?" behind it, or alone when `suggestion` is empty.
std::string with_suggestion(std::string what, std::string_view suggestion);

// "a, b and c"; "none" for an empty list.
std::string list_of(std::span<const std::string> words);

}  // namespace sluice
