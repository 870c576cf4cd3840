#include "proxy/http/reply.hpp"

#include "proxy/http/head_writer.hpp"

namespace sluice::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      break;
  }
  if (status < 200) return "Information";
  if (status < 300) return "Success";
  if (status < 400) return "Redirection";
  return status < 500 ? "Client Error" : "Server Error";
}

void write_reply(int status, std::string_view error_reason, std::string_view body_text, bool keep_alive,
                 bool head, std::string_view date, Buffer& buffer, int retry_after_seconds, Version client) {
  HeadWriter out(buffer);
  out.status_line(status, reason_phrase(status));
  out.put("Content-Type: text/plain; charset=utf-8\r\nDate: ", date, "\r\n");
  out.field("Content-Length", body_text.size());
  if (!error_reason.empty()) out.field("X-Sluice-Error", error_reason);
  if (retry_after_seconds > 0) out.field("Retry-After", static_cast<std::uint64_t>(retry_after_seconds));
  if (!keep_alive) {
    out.put("Connection: close\r\n");
  } else if (client == Version::http10) {
    out.put("Connection: keep-alive\r\n");
  }
  out.end();
  if (!head) out.put(body_text);
}

}  // namespace sluice::http
