#include "control/cli/chosen_status.hpp"

#include <boost/json/object.hpp>
#include <utility>

#include "control/cli/select_status.hpp"

namespace sluice::cli {

namespace json = boost::json;

namespace {

// The services of the document in the order of the status; those that it does not have are left out.
void keep_chosen(json::value& document, const protocol::Status& status) {
  auto* top = document.if_object();
  auto* services = top ? top->if_contains("services") : nullptr;
  if (!services || !services->is_object()) return;
  json::object kept;
  for (const auto& service : status.services)
    kept[service.name] = std::move(services->get_object()[service.name]);
  *services = std::move(kept);
}

}  // namespace

Result<Chosen> chosen_status(Client& client, const std::string& pattern, const std::string& sort,
                             std::optional<std::chrono::milliseconds> limit) {
  const bool named = !pattern.empty() && !is_pattern(pattern);
  Call call = send(protocol::GetStatus{named ? pattern : std::string()});
  call.limit = limit;
  auto answer = client.call(call);
  if (!answer) return answer.error();
  Chosen chosen{std::move(answer->body), {}};
  protocol::read_answer(chosen.document, chosen.status);
  if (auto problem = select_services(chosen.status, named ? "" : pattern, sort)) return *problem;
  keep_chosen(chosen.document, chosen.status);
  return chosen;
}

}  // namespace sluice::cli
