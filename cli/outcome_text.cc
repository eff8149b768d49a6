#include "cli/outcome_text.h"

namespace pamcognito::cli {

std::string outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::unforeseen:
      return "a fault of pam-cognito";
    case Outcome::success:
      return "signed in with all that policy asks for";
    case Outcome::refused:
      return "wrong password or code, unknown to the pool, or disabled";
    case Outcome::not_permitted:
      return "signed in, but policy does not let this user in here";
    case Outcome::tries_exhausted:
      return "too many tries: wait some minutes";
    case Outcome::unavailable:
      return "the user pool cannot be reached, or nothing is configured";
    case Outcome::failed:
      return "it failed; the log has the reason";
    case Outcome::conversation_broken:
      return "the questions were not answered";
    case Outcome::account_denied:
      return "the account may not be used here";
    case Outcome::account_expired:
      return "the account is disabled in the user pool";
    case Outcome::new_password_needed:
      return "the user pool wants a new password";
    case Outcome::account_unknown:
      return "the account has never signed in here";
  }
  return "an outcome that this version does not know";
}

ExitCode exit_code_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::success:
      return ExitCode::ok;
    case Outcome::refused:
    case Outcome::not_permitted:
    case Outcome::tries_exhausted:
    case Outcome::account_denied:
    case Outcome::account_expired:
    case Outcome::new_password_needed:
    case Outcome::account_unknown:
      return ExitCode::refused;
    case Outcome::unforeseen:
    case Outcome::unavailable:
    case Outcome::failed:
    case Outcome::conversation_broken:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

}  // namespace pamcognito::cli
