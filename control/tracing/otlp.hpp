// Spans as OTLP says them in JSON (opentelemetry-proto 1.x, "JSON Protobuf Encoding"): names in
// lowerCamelCase, ids in hexadecimal digits (and not in base64, as protobuf's own JSON would have them),
// 64-bit numbers as texts, enums as numbers. Attributes are named as OpenTelemetry's semantic conventions
// name them, what is Sluice's own begins with `sluice.`. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "proxy/observe/span_record.hpp"

namespace sluice::tracing {

// Who tells of the spans.
struct Resource {
  std::string service_name, version, host;  // a host that is not known is empty
  std::int64_t pid = 0;
};

// Appends a span, after a comma if `spans` has one already.
void append_span(std::string& spans, const observe::SpanRecord& span);
// The body of a request to /v1/traces.
std::string request_body(const Resource& resource, const std::string& spans);
// How many spans the collector did not take, as the body of its answer 200 says; 0 when it says nothing.
std::uint64_t rejected_spans(const std::string& body);

}  // namespace sluice::tracing
