// The command lines of the benchmark's own programs: names and numbers in turns.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace sluice::bench {

struct Number {
  std::string_view name;  // such as --port
  unsigned long& value;
  bool needed = false;  // 0 is no value
};

// Ends the program with its usage when there is something else, or something needed is missing.
inline void read_numbers(int argc, char** argv, std::initializer_list<Number> numbers, const char* usage) {
  bool understood = argc % 2 == 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    bool known = false;
    for (const Number& number : numbers) {
      if (number.name != argv[i]) continue;
      number.value = std::strtoul(argv[i + 1], nullptr, 10);
      known = true;
    }
    understood &= known;
  }
  for (const Number& number : numbers) understood &= !number.needed || number.value != 0;
  if (understood) return;
  std::fprintf(stderr, "usage: %s\n", usage);
  std::exit(2);
}

}  // namespace sluice::bench
