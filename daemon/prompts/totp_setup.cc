// The prompt that sets up an authenticator app. OpenSSH shows nothing before the next question, so
// all of it is one question (see texts.h).
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/frame.h"
#include "daemon/prompts/catalogue.h"
#include "daemon/prompts/phrase.h"
#include "daemon/prompts/qr.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::prompts {
namespace {

constexpr std::size_t kMaxPrompt = 15'000;
static_assert(kMaxPrompt < kMaxText);
constexpr std::size_t kMaxSecret = 512;

// ABCD EFGH …: groups are easier to type, and apps ignore the blanks.
std::string in_groups_of_four(std::string_view secret) {
  std::string grouped;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    if (i > 0 && i % 4 == 0) grouped += ' ';
    grouped += secret[i];
  }
  return grouped;
}

// The letters are typed and stay the same in each language.
std::string question(policy::Qr qr) {
  switch (qr) {
    case policy::Qr::half_blocks:
      return tr("Code (i = inverted QR, a = larger QR, n = no QR): ");
    case policy::Qr::ascii:
      return tr("Code (i = inverted QR, n = no QR): ");
    case policy::Qr::none:
      break;
  }
  return tr("Code: ");
}

std::string introduction(bool demanded) {
  return demanded ? tr("Your account needs a second factor. Set up an authenticator app now (about "
                       "2 minutes;\nfor example Google Authenticator, Microsoft Authenticator or "
                       "1Password).")
                  : tr("Set up a new authenticator app (about 2 minutes; for example Google "
                       "Authenticator,\nMicrosoft Authenticator or 1Password).");
}

// "You have 4 minutes." Rounded down, so that nobody is promised more. A person who sees the form a
// second time reads less than the first time, so less than a minute is not told here.
std::string time_to_set_up(std::chrono::seconds left) {
  using namespace std::chrono_literals;
  if (left >= 2min) {
    const auto minutes = std::chrono::floor<std::chrono::minutes>(left).count();
    return fill(tr("You have {1} minutes."), {std::to_string(minutes)}) + "\n";
  }
  if (left < 1min) return {};
  const std::chrono::seconds told = left >= 90s ? 90s : 60s;
  return fill(tr("You have {1} seconds."), {std::to_string(told.count())}) + "\n";
}

std::string composed(const TotpSetup& shown, const std::string& code, policy::Qr qr) {
  std::string text = introduction(shown.demanded) + "\n" + time_to_set_up(shown.left) + "\n";
  if (code.empty()) {
    text += "  1. " + tr("Enter this key in the app:") + "\n";
  } else {
    text += "  1. " + tr("Scan this QR code with the app.") + "\n\n" + code + "\n     " +
            tr("No camera? Enter this key:") + "\n";
  }
  text += "     " + in_groups_of_four(shown.secret) + "\n     " +
          fill(tr("(account {1}, shown as \"{2}\")"), {shown.account, shown.issuer}) + "\n";
  if (shown.no_qr_here)
    text += "     " + tr("A first sign-in by ssh shows a QR code instead.") + "\n";
  text += "  2. " + tr("Type the 6-digit code the app shows.") + "\n\n";
  return text + question(code.empty() ? policy::Qr::none : qr);
}

}  // namespace

std::string totp_setup(const TotpSetup& setup, policy::Qr qr) {
  const TotpSetup shown{.secret = one_line(setup.secret, kMaxSecret),
                        .issuer = one_line(setup.issuer),
                        .account = one_line(setup.account),
                        .demanded = setup.demanded,
                        .no_qr_here = setup.no_qr_here,
                        .left = setup.left};
  const std::string code =
      qr_code(otpauth_uri(shown.secret, shown.issuer, shown.account), qr, setup.inverted);
  std::string text = composed(shown, code, qr);
  return text.size() <= kMaxPrompt ? text : composed(shown, {}, policy::Qr::none);
}

}  // namespace pamcognito::prompts
