#include "proxy/base/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>

namespace sluice {

namespace {

// A dot or an apostrophe at a line's beginning is a request, and a bare hyphen may be set as a dash.
std::string escaped(std::string_view text) {
  std::string out;
  bool begin = true;
  for (const char c : text) {
    if (begin && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '`')
      out += "\\(ga";
    else
      out += c;
    begin = c == '\n';
  }
  return out;
}

// Text that man fills: without blanks at the ends of lines.
std::string filled_text(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '\n' && c != ' ')
      out += c;
    else if (!out.empty() && !out.ends_with(' '))
      out += ' ';
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

}  // namespace

ManPage::ManPage(std::string_view name, int section, std::string_view does, std::string_view version,
                 std::string_view date)
    : name_(name), section_(section) {
  text_.append(".TH ").append(upper(escaped(name))).append(" ").append(std::to_string(section));
  text_.append(" \"").append(date).append("\" \"Sluice ").append(version).append("\"\n");
  this->section("NAME");
  text_.append(escaped(name)).append(" \\- ").append(escaped(does)).append("\n");
}

void ManPage::section(std::string_view title) { text_.append(".SH ").append(escaped(title)).append("\n"); }
void ManPage::subsection(std::string_view title) { text_.append(".SS ").append(escaped(title)).append("\n"); }
void ManPage::paragraph(std::string_view text) {
  begin_paragraph();
  text_.append(escaped(filled_text(text))).append("\n");
}
void ManPage::entry(std::string_view term, std::string_view text) {
  text_.append(".TP\n\\fB").append(escaped(term)).append("\\fR\n");
  text_.append(escaped(filled_text(text))).append("\n");
}
void ManPage::lines(std::string_view text) {
  begin_paragraph();
  text_.append(".nf\n").append(escaped(text));
  if (!text_.ends_with('\n')) text_ += '\n';
  text_ += ".fi\n";
}

// A heading begins one itself.
void ManPage::begin_paragraph() {
  if (!text_.substr(text_.rfind('\n', text_.size() - 2) + 1).starts_with(".S")) text_ += ".PP\n";
}

std::string ManPage::file() const { return name_ + "." + std::to_string(section_); }

std::string first_sentence(std::string_view text) {
  std::string line = filled_text(text);
  line = line.substr(0, line.find(". "));
  if (line.ends_with('.')) line.pop_back();
  return line;
}

bool write_pages(const std::vector<ManPage>& pages, const std::string& folder) {
  return std::all_of(pages.begin(), pages.end(), [&folder](const ManPage& page) {
    std::ofstream out(folder + "/" + page.file());
    out << page.text() << std::flush;
    return out.good();
  });
}

}  // namespace sluice
