#include "control/admin/page.hpp"

namespace sluice::admin {
namespace {

Reply page_file(std::string_view content, const char* type) {
  Reply reply;
  reply.content_type = type;
  reply.body = content;
  reply.headers = {{"Content-Security-Policy", std::string(kPagePolicy)}, {"Referrer-Policy", "no-referrer"}};
  return reply;
}

}  // namespace

Reply page_html() { return page_file(kIndexHtml, "text/html; charset=utf-8"); }
Reply page_css() { return page_file(kPageCss, "text/css; charset=utf-8"); }
Reply page_js() { return page_file(kPageJs, "text/javascript; charset=utf-8"); }

}  // namespace sluice::admin
