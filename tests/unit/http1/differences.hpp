// Every kind of difference between our reading of a message and that of llhttp (strict) or Boost.Beast, and
// why it is right. The first row whose pattern is found in the bytes (Perl's, case-insensitive, a point is
// any byte) explains.
#pragma once

namespace sluice::http1::testing {

enum class Kind {
  stricter,  // we refuse what they take, or wait for
  laxer,     // they refuse what we take, or wait for
  other,     // all take it, and it ends elsewhere or says something else
};
inline constexpr const char* kKinds[] = {"we refuse, they do not", "they refuse, we do not",
                                         "another meaning"};

enum Who { llhttp_ = 1, beast_ = 2, both_ = 3 };
enum Side { requests_ = 1, answers_ = 2, all_ = 3 };

struct Difference {
  int who, side;
  Kind kind;
  const char* pattern;
  const char* why;
};

inline constexpr Difference kDifferences[] = {
    // --- we refuse, or they wait
    {both_, all_, Kind::stricter, R"~(\n[ \t])~", "obs-fold (RFC 9112 5.2)"},
    {both_, all_, Kind::stricter, R"~((?:\A|[^\r])\n)~", "a line feed without its carriage return (2.2)"},
    {both_, all_, Kind::stricter, R"~(\r(?:[^\n]|\z))~", "a carriage return without its line feed (2.2)"},
    {both_, all_, Kind::stricter, R"~(\n:)~", "an empty field name (RFC 9110 5.1)"},
    {both_, all_, Kind::stricter, R"~(\A\r\n(?:\r\n|HTTP))~",
     "empty lines: at most one, and only before a request (2.2)"},
    {both_, all_, Kind::stricter, R"~(\n[^:\r\n]*[\x00- \"(),/;<=>?@\[\\\]{}\x7f-\xff][^:\r\n]*:)~",
     "a field name that is no token (RFC 9110 5.1)"},
    {both_, all_, Kind::stricter, R"~([\x00-\x08\x0b\x0c\x0e-\x1f\x7f])~", "a control byte (RFC 9110 5.5)"},
    {both_, requests_, Kind::stricter,
     R"~(\A(?:\r\n)?[^\r\n]* [^\r\n]* [^\r\n]* |\A(?:\r\n)?[^ \r\n]+ ?[^ \r\n]*\r\n)~",
     "a request line that is not three words with a space between (3)"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?[^\r\n]* HTTP/(?:[02-9]|1\.[2-9]))~",
     "a version that is neither 1.0 nor 1.1 (2.5)"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?[^\r\n]* (?!HTTP/)[^ \r\n]*\r\n)~",
     "another protocol than HTTP"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?[^ \r\n]+ [^ \r\n]*[#\x80-\xff])~",
     "a fragment or a byte that no URI has (3.2, RFC 3986)"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?[^ \r\n]+ (?!/|https?://|\* ))~",
     "a target of no form that a proxy takes (3.2)"},
    {both_, requests_, Kind::stricter, R"~(HTTP/1.1\r\n.*\nexpect:[ \t]*+(?!(?:100-continue)?[ \t]*\r\n))~",
     "an expectation that we do not know is 417 (RFC 9110 10.1.1)"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?(?!(?-i:OPTIONS) )[^ \r\n]+ \* )~",
     "an asterisk without OPTIONS (3.2.4)"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?CONNECT )~",
     "CONNECT: no tunnels to names that clients choose"},
    {both_, all_, Kind::stricter, R"~(\ntransfer-encoding:(?![ \t]*chunked[ \t]*\r\n))~",
     "a coding that is not `chunked` and nothing else (6.1, 6.3)"},
    {both_, requests_, Kind::stricter, R"~(HTTP/1\.0\r\n.*\ntransfer-encoding:)~",
     "`chunked` in HTTP/1.0 (6.1)"},
    {both_, answers_, Kind::stricter, R"~(\AHTTP/1\.0.*\ntransfer-encoding:)~",
     "`chunked` in HTTP/1.0 (6.1)"},
    {both_, all_, Kind::stricter,
     R"~(\ncontent-length:.*\ntransfer-encoding:|\ntransfer-encoding:.*\ncontent-length:|\ncontent-length:.*\ncontent-length:)~",
     "two framings (6.3)"},
    {both_, all_, Kind::stricter, R"~(\ncontent-length:(?![ \t]*\d{1,18}[ \t]*\r\n))~",
     "a length that is no number that fits (6.3)"},
    {both_, requests_, Kind::stricter, R"~(\nhost:.*\nhost:)~", "two Host fields (3.2)"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?(?:(?!\n\r\n|\nhost:).)*+\n\r\n)~", "no Host (3.2)"},
    {both_, requests_, Kind::stricter,
     R"~(\nhost:[ \t]*+(?!(?:(?:[a-z0-9._~!$&'*;=+-]|%[0-9a-f]{2})+|\[[0-9a-f:.]+\])(?::\d*)?[ \t]*\r\n))~",
     "a Host that is no authority (3.2, RFC 3986 3.2)"},
    {both_, requests_, Kind::stricter,
     R"~(\nhost:[^\r\n]*:0*(?:[1-9]\d{5}|[7-9]\d{4}|6[6-9]\d{3}|65[6-9]\d\d|655[4-9]\d|6553[6-9])\d*[ \t]*\r\n)~",
     "a port beyond 65535 (3.2)"},
    {both_, requests_, Kind::stricter, R"~(\nhost:[ \t]*\[)~",
     "an IPv6 address that is none (3.2, RFC 3986 3.2.2)"},
    {both_, all_, Kind::stricter, R"~(\nconnection:(?:[^\r\n]*,){16})~",
     "more than 16 names in Connection are 431"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?[^ \r\n]{33})~",
     "a method of more than 32 bytes is 501 (3)"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?TRACE )~", "TRACE with a body (RFC 9110 9.3.8)"},
    {both_, answers_, Kind::stricter, R"~(\AHTTP/(?:[02-9]|1\.[2-9])|\AHTTP/\d[^.])~",
     "a version that is neither 1.0 nor 1.1"},
    {both_, answers_, Kind::stricter, R"~(\AHTTP/1\.[01] (?![1-5]\d\d(?: |\r\n)))~",
     "a status that is not three digits from 100 to 599 behind one space (4)"},
    {both_, answers_, Kind::stricter, R"~(\AHTTP/1.[01] 1.*\n(?:content-length|transfer-encoding):)~",
     "an interim answer that speaks of a body (6.1, RFC 9110 8.6)"},
    {llhttp_, all_, Kind::stricter, R"~(\r\n\r\n(?:.*\n)?[^\r\n]*;)~",
     "llhttp takes more than chunk extensions may be (7.1.1)"},
    {both_, requests_, Kind::stricter,
     R"~(\A(?:\r\n)?[^ \r\n]+ https?://[^/? ]*[^-a-z0-9._~!$&'*;=+%:/? \[\]])~",
     "an authority that is none in the target (3.2.2)"},
    {both_, requests_, Kind::stricter,
     R"~(\A(?:\r\n)?[^ \r\n]+ https?://(?:[/?: ]|[^/? ]*%(?![0-9a-f]{2})|[^/? ]*:(?:\d*[^\d/? ]|\d{5})))~",
     "likewise"},
    {both_, requests_, Kind::stricter, R"~(\A(?:\r\n)?[^ \r\n]+ https?://[^/? ]*[\[\]])~",
     "an IPv6 address in the target that is none"},
    {beast_, all_, Kind::stricter, R"~(\nTransfer-Encoding:)~",
     "Beast waits for the end of a line that is no chunk's already (7.1)"},
    {both_, all_, Kind::stricter, R"~(\n[^:\r\n]*[\x00- \"(),/;<=>?@\[\\\]{}\x7f-\xff][^:\r\n]*\z)~",
     "a field name that is no token is refused with the byte that says so"},
    {llhttp_, all_, Kind::stricter, R"~(\r\n\r\n(?:.*\n)?0*[89a-f][0-9a-f]{15})~",
     "a chunk of 2^63 bytes or more (7.1)"},
    {llhttp_, answers_, Kind::stricter, R"~(\ntransfer-encoding:[^\r\n]*\t)~",
     "llhttp knows no tab around this value, and reads to the end"},
    // --- they refuse
    {beast_, requests_, Kind::laxer, R"~(\A\r\n)~", "Beast takes no empty line before a request (2.2)"},
    {llhttp_, all_, Kind::laxer, R"~(\n(?:content-length|transfer-encoding):(?:[^\r\n]*\t))~",
     "llhttp knows no tab around these values (RFC 9110 5.6.3)"},
    {llhttp_, requests_, Kind::laxer,
     R"~(\A(?:\r\n)?(?!(?-i:GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|TRACE|M-SEARCH|CONNECT|COPY|LINK|LOCK|BIND|ACL|MOVE) ))~",
     "llhttp knows the methods of its table only"},
    {llhttp_, all_, Kind::laxer, R"~(\r\n\r\n(?:.*\n)?[^\r\n]*;)~",
     "llhttp knows fewer forms of chunk extensions (7.1.1)"},
    {beast_, answers_, Kind::laxer, R"~(\AHTTP/1.[01] \d{3}\r\n)~",
     "Beast wants a space behind the status (4 lets it be absent)"},
    {beast_, all_, Kind::laxer, R"~(\nconnection:[ \t]*+(?![!#$%&'*+.^_`|~0-9a-z-]*[ \t]*\r\n))~",
     "Beast wants tokens in Connection; what it names can only be taken away"},
    {llhttp_, answers_, Kind::laxer, R"~(\AHTTP/1.[01] (?:1\d\d|204|304))~",
     "llhttp reads a body behind 1xx, 204 and 304 (6.3 says there is none)"},
    {both_, answers_, Kind::laxer, R"~(\A[^\n]*\z)~", "we judge a start line when it is whole"},
    {both_, all_, Kind::laxer, R"~(\A(?!.*\n\r\n).*\n(?:content-length|transfer-encoding):)~",
     "we judge the framing when the head is whole"},
    {beast_, all_, Kind::laxer, R"~(\ncontent-length:[ \t]*\d{6}|\n0*[0-9a-f]{5,}(?:[ \t;]|\r\n))~",
     "Beast is given a megabyte for a body"},
    // --- both take it
    {llhttp_, answers_, Kind::other, R"~(\ntransfer-encoding:[^\r\n]*\t)~", "likewise"},
    {llhttp_, answers_, Kind::other, R"~(\AHTTP/1.[01] (?:1\d\d|204|304))~",
     "llhttp reads a body behind 1xx, 204 and 304 (6.3 says there is none)"},
};

}  // namespace sluice::http1::testing
