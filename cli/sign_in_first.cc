#include "cli/sign_in_first.h"

#include "cli/conversation.h"
#include "cli/outcome_text.h"

namespace pamcognito::cli {

Result<void> sign_in_as_oneself(const Context& context, AuthClient& client) {
  const auto user = own_user_name();
  if (!user) return std::unexpected(user.error());
  auto opened = client.open_sign_in(*user, kOwnService, new_log_id(), AuthClient::Kind::sign_in);
  if (!opened) return std::unexpected(std::move(opened.error()));
  const auto ended = converse(context.terminal, std::move(*opened), AfterSuccess::acknowledge);
  if (!ended) return std::unexpected(ended.error());
  if (ended->outcome == Outcome::success) return {};
  return failure(ExitCode::failed, std::string(to_string(ended->outcome)),
                 ended->notice.empty() ? outcome_text(ended->outcome) : ended->notice);
}

}  // namespace pamcognito::cli
