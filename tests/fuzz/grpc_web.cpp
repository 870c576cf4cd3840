// A body of gRPC-Web: what it says does not depend on how it is cut. And its type, as any text.
#include <string>

#include "proxy/grpc_web/base64.hpp"
#include "proxy/grpc_web/content_type.hpp"
#include "proxy/grpc_web/messages.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

struct Text {
  bool sound = true, whole = false, between = false;
  std::string bytes;
};

Text read_text(std::string_view letters, const http1::testing::Cut& cut) {
  grpc_web::Base64Decoder decoder;
  grpc_web::MessageBounds bounds;
  Buffer out;
  Text text;
  for (std::size_t at = 0; at < letters.size() && text.sound;) {
    const std::string_view piece = letters.substr(at, cut(at));
    at += piece.size();
    out.clear();
    text.sound = decoder.decode(piece, out);
    if (!text.sound) break;
    bounds.add(out.view());
    text.bytes.append(out.view());
  }
  text.whole = decoder.is_whole();
  text.between = bounds.between();
  return text;
}

}  // namespace

void grpc_web(std::string_view bytes) {
  using http1::testing::at_once;
  const Text whole = read_text(bytes, at_once), cut = read_text(bytes, cut_of(bytes));
  require(whole.sound == cut.sound, "X2: the verdict depends on how the letters came");
  if (whole.sound) {
    require(whole.bytes == cut.bytes && whole.whole == cut.whole && whole.between == cut.between,
            "X2: what is read depends on how the letters came");
    Buffer anew;
    grpc_web::encode_base64(whole.bytes, anew);
    const Text again = read_text(anew.view(), at_once);
    require(again.sound && again.whole && again.bytes == whole.bytes, "what is written says the same");
  }

  http::RequestHead head;
  head.method = "POST";
  head.fields.push("content-type", bytes);
  const auto call = grpc_web::read_call(head);
  if (!call) return;
  const auto to_backend = grpc_web::type_for_backend(*call), to_client = grpc_web::type_for_client(*call);
  require(to_backend.view().size() <= bytes.size(), "a type of gRPC is no longer than one of gRPC-Web");
  head.fields.clear();
  head.fields.push("content-type", to_client.view());
  const auto answered = grpc_web::read_call(head);
  require(answered && answered->sent == call->wanted, "the answer's type is one of gRPC-Web");
}

}  // namespace sluice::fuzz
