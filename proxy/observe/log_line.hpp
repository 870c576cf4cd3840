// A record as a line of the access log. Nothing that a client sent can end a line or a quoted text.
#pragma once

#include <string>
#include <string_view>

#include "proxy/base/log_format.hpp"
#include "proxy/observe/access_record.hpp"

namespace sluice::observe {

// The line and its newline.
//
// JSON: every LogField, texts as strings; numbers and null (tls, stream, grpc_status) without quotes.
// Combined: as nginx and Apache write it, in UTC; quotes, backslashes and what is not ASCII as \xHH.
// A template: texts escaped as in JSON, so that they may stand between quotes; '-' for what is empty.
void append_line(const LogFormat& format, const AccessRecord& record, std::string& out);

// What stands between the quotes of a JSON string. Bytes above ASCII may be no UTF-8: they are written as
// Latin-1 code points.
void append_json_text(std::string_view text, std::string& out);

}  // namespace sluice::observe
