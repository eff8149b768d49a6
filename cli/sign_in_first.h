#pragma once

#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/context.h"
#include "cli/failure.h"

namespace pamcognito::cli {

// The service name under which people sign in to cognitoctl.
inline constexpr char kOwnService[] = "cognitoctl";

// Signs the caller in with the second factor, so that the daemon lets it change its factors for
// some minutes.
Result<void> sign_in_as_oneself(const Context& context, AuthClient& client);

// Makes the call; if the daemon wants a sign-in first, offers it (or makes it, if `without_asking`)
// and calls once more. Call: a function without arguments that returns a Result.
template <class Call>
auto with_sign_in(const Context& context, AuthClient& client, bool without_asking, Call call)
    -> decltype(call()) {
  auto result = call();
  if (result || result.error().code != ExitCode::not_authorized) return result;
  const bool offer = context.terminal.interactive() && !context.out.json();
  if (!without_asking &&
      !(offer && context.terminal.confirm("This needs a sign-in with your second factor. Sign in?",
                                          /*otherwise=*/true)))
    return result;
  auto signed_in = sign_in_as_oneself(context, client);
  if (!signed_in) return std::unexpected(std::move(signed_in.error()));
  return call();
}

}  // namespace pamcognito::cli
