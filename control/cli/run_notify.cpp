// Whether targets of notices take a message.
#include <cmath>

#include "control/cli/run.hpp"

namespace sluice::cli {

int run(Context& context, const NotifyVerb& verb) {
  const auto answer = send_change(context, send(verb.message), std::nullopt);
  if (!answer) return context.output.fail(answer.error());
  std::string text;
  for (const auto& target : protocol::answer_from<protocol::NotifyTested>(answer->body).targets)
    text += target.name + " took it   (status " + std::to_string(target.status) + ", " +
            std::to_string(std::llround(target.took_ms)) + " ms)\n";
  return context.output.show(answer->body, text);
}

}  // namespace sluice::cli
