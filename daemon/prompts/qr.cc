#include "daemon/prompts/qr.h"

#include <qrencode.h>
#include <string.h>

#include <cstddef>
#include <memory>

#include "common/ascii.h"

namespace pamcognito::prompts {
namespace {

constexpr int kQuietZone = 4;  // modules, as the standard asks for (ISO/IEC 18004)

// libqrencode allocates with malloc, which nothing wipes. Its working copies of the text are freed
// as they are: the secret is on the screen at that moment.
struct WipeAndFree {
  void operator()(QRcode* code) const noexcept {
    const auto width = static_cast<std::size_t>(code->width);
    ::explicit_bzero(code->data, width * width);
    QRcode_free(code);
  }
};
using QrSymbol = std::unique_ptr<QRcode, WipeAndFree>;

// The modules of a symbol and of the quiet zone around it.
class Modules {
 public:
  Modules(const QRcode& code, bool inverted) : code_(code), inverted_(inverted) {}

  [[nodiscard]] int size() const { return code_.width + 2 * kQuietZone; }
  [[nodiscard]] bool is_drawn(int row, int column) const {
    return is_light(row, column) != inverted_;
  }

 private:
  [[nodiscard]] bool is_light(int row, int column) const {
    const int y = row - kQuietZone;
    const int x = column - kQuietZone;
    if (y < 0 || x < 0 || y >= code_.width || x >= code_.width) return true;
    return (code_.data[y * code_.width + x] & 1U) == 0;
  }

  const QRcode& code_;
  bool inverted_;
};

// Two rows of modules in one line of text. A last row without a partner has the terminal's dark
// below it, or the light of one that is inverted.
std::string in_half_blocks(const Modules& modules) {
  std::string text;
  for (int row = 0; row < modules.size(); row += 2) {
    for (int column = 0; column < modules.size(); ++column) {
      const bool upper = modules.is_drawn(row, column);
      const bool lower = row + 1 < modules.size() && modules.is_drawn(row + 1, column);
      text += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
    }
    text += '\n';
  }
  return text;
}

std::string in_ascii(const Modules& modules) {
  std::string text;
  for (int row = 0; row < modules.size(); ++row) {
    for (int column = 0; column < modules.size(); ++column) {
      text += modules.is_drawn(row, column) ? "##" : "  ";
    }
    text += '\n';
  }
  return text;
}

// RFC 3986, section 2.3.
bool is_unreserved(char c) {
  return ascii::is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return encoded;
}

}  // namespace

std::string qr_code(std::string_view text, policy::Qr form, bool inverted) {
  if (form == policy::Qr::none || text.empty()) return {};
  // A screen does not get dirty or torn: the least correction gives the smallest code.
  const QrSymbol symbol(
      QRcode_encodeString(std::string(text).c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1));
  if (!symbol) return {};
  const Modules modules(*symbol, inverted);
  return form == policy::Qr::ascii ? in_ascii(modules) : in_half_blocks(modules);
}

std::string otpauth_uri(std::string_view secret, std::string_view issuer,
                        std::string_view account) {
  const std::string name = percent_encoded(issuer);
  return "otpauth://totp/" + name + ":" + percent_encoded(account) +
         "?secret=" + percent_encoded(secret) + "&issuer=" + name;
}

}  // namespace pamcognito::prompts
