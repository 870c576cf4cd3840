// A manual page in man(7)'s language, part by part. Pure, but for write_pages().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class ManPage {
 public:
  // `does` is the line that whatis and apropos show. The version stands in the page's foot.
  ManPage(std::string_view name, int section, std::string_view does, std::string_view version,
          std::string_view date);

  void section(std::string_view title);     // .SH
  void subsection(std::string_view title);  // .SS
  void paragraph(std::string_view text);
  // A term, and what is to be said of it.
  void entry(std::string_view term, std::string_view text);
  // Lines as they are.
  void lines(std::string_view text);

  std::string file() const;  // "sluicectl-split.1"
  const std::string& text() const { return text_; }

 private:
  void begin_paragraph();

  std::string name_, text_;
  int section_;
};

// As whatis shows it: the first sentence on one line, without its full stop.
std::string first_sentence(std::string_view text);

// Each page into a file of `folder`, which is there. False when one could not be written.
bool write_pages(const std::vector<ManPage>& pages, const std::string& folder);

}  // namespace sluice
