// The prompt that sets up an authenticator app. OpenSSH shows nothing before the next question, so
// all of it is one question (see texts.h).
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
      return tr("Code from the app (a: QR code in letters, n: no QR code): ");
    case policy::Qr::ascii:
      return tr("Code from the app (n: no QR code): ");
    case policy::Qr::none:
      break;
  }
  return tr("Code from the app: ");
}

std::string composed(const TotpSetup& shown, const std::string& code, policy::Qr qr) {
  std::string text =
      (shown.demanded ? tr("Your account needs a second factor: an authenticator app.")
                      : tr("A new authenticator app for your account.")) +
      "\n";
  if (code.empty()) {
    text += tr("Type this secret into the app, then its code here.") + "\n\n";
  } else {
    text += tr("Scan this with the app, or type the secret into it; then type its code here.") +
            "\n\n" + code + "\n";
  }
  text += fill(tr("Secret: {1}"), {in_groups_of_four(shown.secret)}) + "\n";
  text += fill(tr("Account: {1}"), {shown.account}) + "\n";
  text += fill(tr("Shown in the app as: {1}"), {shown.issuer}) + "\n\n";
  return text + question(code.empty() ? policy::Qr::none : qr);
}

}  // namespace

std::string totp_setup(const TotpSetup& setup, policy::Qr qr) {
  const TotpSetup shown{one_line(setup.secret, kMaxSecret), one_line(setup.issuer),
                        one_line(setup.account), setup.demanded};
  const std::string code = qr_code(otpauth_uri(shown.secret, shown.issuer, shown.account), qr);
  std::string text = composed(shown, code, qr);
  return text.size() <= kMaxPrompt ? text : composed(shown, {}, policy::Qr::none);
}

}  // namespace pamcognito::prompts
