#include "control/report/document.hpp"

namespace sluice::report {
namespace {

// Light and dark by what the reader prefers, light on paper. Colours are told apart without seeing red and
// green: a limit is dashed, too.
constexpr char kStyle[] = R"(
:root{color-scheme:light dark;--ground:#fff;--raised:#f6f7f9;--ink:#1b1f24;--soft:#59636e;--rule:#dfe3e8;--value:#0a58ca;
--interval:#0a58ca26;--limit:#b3261e;--band:#f2f4f7;--good:#1a7f37;--bad:#b3261e;--neutral:#59636e}
@media(prefers-color-scheme:dark){:root{--ground:#14171b;--raised:#1d2127;--ink:#e6e9ed;--soft:#9aa4af;--rule:#323841;
--value:#6cb0ff;--interval:#6cb0ff30;--limit:#ff8a80;--band:#1b1f25;--good:#57c974;--bad:#ff8a80;--neutral:#9aa4af}}
@media print{:root{color-scheme:light;--ground:#fff;--raised:#fff;--ink:#000;--soft:#444;--rule:#bbb;--value:#0a58ca;
--interval:#0a58ca26;--limit:#b3261e;--band:#f4f4f4;--good:#1a7f37;--bad:#b3261e;--neutral:#444}}
*{box-sizing:border-box}
body{margin:0 auto;padding:32px 28px 48px;max-width:960px;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{margin:0 0 20px;font-size:25px;line-height:1.25;letter-spacing:-.01em}
h2{margin:36px 0 10px;font-size:17px}
.badge{display:inline-block;margin-bottom:8px;padding:1px 10px;border:1px solid currentColor;border-radius:99px;font-size:13px;
font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.neutral{color:var(--neutral)}
.answers{margin:0 0 24px;padding:6px 20px;background:var(--raised);border:1px solid var(--rule);border-radius:10px}
.answers div{padding:10px 0}.answers div+div{border-top:1px solid var(--rule)}
dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:0}.facts dt{color:var(--soft);font-weight:400}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums}
th{color:var(--soft);font-weight:500;text-align:left;vertical-align:bottom}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--rule)}th:last-child,td:last-child{padding-right:0}
td{vertical-align:top;overflow-wrap:break-word}.right{text-align:right;white-space:nowrap}th.right{white-space:normal}
.time{white-space:nowrap}.fail{color:var(--bad);font-weight:600}
p{margin:0 0 12px;max-width:75ch}p.soft,footer{color:var(--soft)}
figure{margin:0 0 22px;break-inside:avoid}figcaption{font-weight:500;font-size:14px}
svg{display:block;width:100%;height:auto;font-size:12px}
svg text{fill:var(--soft)}.left{text-anchor:end}.middle{text-anchor:middle}svg .strong{fill:var(--value);font-weight:600}
svg .bad{fill:var(--limit)}.grid{stroke:var(--rule)}.band{fill:var(--band)}
.interval{fill:var(--interval)}.value{fill:none;stroke:var(--value);stroke-width:1.8;stroke-linejoin:round}.dot{fill:var(--value)}
.limit{stroke:var(--limit);stroke-width:1.4;stroke-dasharray:6 4}.asked{stroke:var(--soft);stroke-width:1.4;stroke-dasharray:2 3}
.back{stroke:var(--limit);stroke-width:2}
footer{margin-top:40px;font-size:13px}
@media print{body{padding:0;max-width:none;font-size:12px}h2{break-after:avoid}tr{break-inside:avoid}
.answers{break-inside:avoid}}
)";

std::string code(const std::string& text) {  // `x` as code
  std::string out;
  bool inside = false;
  for (const char c : escaped(text)) {
    if (c != '`') {
      out += c;
      continue;
    }
    out += inside ? "</code>" : "<code>";
    inside = !inside;
  }
  return out + (inside ? "</code>" : "");
}

const char* class_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return "good";
    case Tone::bad:
      return "bad";
    case Tone::neutral:
      break;
  }
  return "neutral";
}

std::string cell(const char* tag, const std::string& column, const std::string& text) {
  const bool right = column.starts_with('>');
  const bool failed = column == "Said last" && text == "fail";
  const char* kind = right              ? " class=\"right\""
                     : column == "When" ? " class=\"time\""
                     : failed           ? " class=\"fail\""
                                        : "";
  return std::string("<") + tag + kind + ">" + escaped(text) + "</" + tag + ">";
}

std::string html_table(const Table& table) {
  if (table.rows.empty()) return {};
  std::string out = "<div class=\"scroll\"><table><thead><tr>";
  for (const auto& column : table.columns)
    out += cell("th", column, column.starts_with('>') ? column.substr(1) : column);
  out += "</tr></thead><tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) out += cell("td", table.columns[i], row[i]);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string section_of(const Section& section) {
  if (section.table.rows.empty() && section.sentences.empty() && section.plots.empty()) return {};
  std::string out = "<section><h2>" + escaped(section.heading) + "</h2>\n";
  for (const auto& sentence : section.sentences)
    out += std::string(section.plots.empty() ? "<p>" : "<p class=\"soft\">") + escaped(sentence) + "</p>\n";
  for (const auto& plot : section.plots)
    out += "<figure><figcaption>" + escaped(plot.title) + "</figcaption>" + to_svg(plot) + "</figure>\n";
  return out + html_table(section.table) + "</section>\n";
}

}  // namespace

std::string to_html(const Document& document) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>" +
      escaped(document.title) + "</title><style>" + kStyle +
      "</style></head><body>\n<header><span class=\"badge " + class_of(document.tone) + "\">" +
      escaped(document.badge) + "</span><h1>" + escaped(document.title) +
      "</h1></header>\n<dl class=\"answers\">\n";
  for (const auto& [question, answer] : document.answers)
    out += "<div><dt>" + escaped(question) + "</dt><dd>" + escaped(answer) + "</dd></div>\n";
  out += "</dl>\n<dl class=\"facts\">\n";
  for (const auto& [name, value] : document.facts)
    out += "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>\n";
  out += "</dl>\n";
  for (const auto& section : document.sections) out += section_of(section);
  return out + "<footer>" + code(document.foot) + "</footer>\n</body></html>\n";
}

}  // namespace sluice::report
