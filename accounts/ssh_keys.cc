#include "accounts/ssh_keys.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <ctime>
#include <expected>
#include <string>

#include "common/ascii.h"
#include "common/text.h"
#include "nss/accounts_conf.h"

namespace pamcognito::accounts {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kComment =
    "# Written by cognitod-accounts from the user pool at each full sign-in.\n";
constexpr std::string_view kExpiry = "expiry-time=\"";
constexpr std::size_t kTimeSize = sizeof("20261203120000Z") - 1;

constexpr std::size_t kLeastRsaBits = 2048;     // NIST SP 800-131A
constexpr std::size_t kMostRsaBits = 16384;     // OpenSSH's bound (SSHBUF_MAX_BIGNUM)
constexpr std::size_t kMostExponentBits = 256;  // FIPS 186-5: e < 2^256
constexpr std::size_t kMostApplication = 256;   // OpenSSH's is "ssh:" and a short text
constexpr std::size_t kMostFaults = 5;          // in the text of them

std::string encode(std::string_view bytes, bool pads) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += kBase64[bits >> (count - 6) & 63U];
  }
  if (count > 0) text += kBase64[bits << (6 - count) & 63U];
  while (pads && text.size() % 4 != 0) text += '=';
  return text;
}

// nullopt: not the one text that encode() makes of the bytes.
std::optional<std::string> decode(std::string_view text) {
  std::string_view digits = text;
  while (digits.ends_with('=')) digits.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : digits) {
    const std::size_t digit = kBase64.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  if (bytes.empty() || encode(bytes, true) != text) return std::nullopt;
  return bytes;
}

// Reads the parts of a key (RFC 4251, section 5). A fault makes each later part empty.
class Blob {
 public:
  explicit Blob(std::string_view bytes) : rest_(bytes) {}

  std::string_view text() {
    std::uint32_t size = 0;
    if (rest_.size() < 4) return fail();
    for (std::size_t i = 0; i < 4; ++i) size = size << 8U | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(4);
    if (size > rest_.size()) return fail();
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }
  // Bits of a positive odd number without superfluous bytes; 0: anything else. Exponents and
  // moduli of RSA are odd.
  std::size_t odd_number() {
    std::string_view bytes = text();
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    if (bytes.empty() || at(0) >= 0x80 || at(bytes.size() - 1) % 2 == 0) return 0;
    if (at(0) == 0 && (bytes.size() == 1 || at(1) < 0x80)) return 0;
    if (at(0) == 0) bytes.remove_prefix(1);
    return (bytes.size() - 1) * 8 + static_cast<std::size_t>(std::bit_width(at(0)));
  }
  // Nothing follows, and nothing was wrong.
  [[nodiscard]] bool is_whole() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view fail() {
    failed_ = true;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool failed_ = false;
};

bool is_ed25519(Blob& blob) {
  return blob.text().size() == 32;  // RFC 8709
}

// An uncompressed point (RFC 5656): one byte, and two numbers of `size` bytes.
bool is_point(Blob& blob, std::string_view curve, std::size_t size) {
  if (blob.text() != curve) return false;
  const std::string_view point = blob.text();
  return point.size() == 1 + 2 * size && point.front() == 4;
}

bool is_application(Blob& blob) {
  const std::string_view text = blob.text();
  return !text.empty() && text.size() <= kMostApplication &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_rsa(Blob& blob) {
  const std::size_t exponent = blob.odd_number();
  const std::size_t modulus = blob.odd_number();
  return exponent >= 2 && exponent <= kMostExponentBits && modulus >= kLeastRsaBits &&
         modulus <= kMostRsaBits;
}

struct Type {
  std::string_view name;
  bool (*is_sound)(Blob&);
};

// The types of plain keys that sshd accepts by default, without certificates. DSA has 1,024 bits.
constexpr Type kTypes[] = {
    {"ssh-ed25519", &is_ed25519},
    {"ecdsa-sha2-nistp256", [](Blob& blob) { return is_point(blob, "nistp256", 32); }},
    {"ecdsa-sha2-nistp384", [](Blob& blob) { return is_point(blob, "nistp384", 48); }},
    {"ecdsa-sha2-nistp521", [](Blob& blob) { return is_point(blob, "nistp521", 66); }},
    {"sk-ssh-ed25519@openssh.com",
     [](Blob& blob) { return is_ed25519(blob) && is_application(blob); }},
    {"sk-ecdsa-sha2-nistp256@openssh.com",
     [](Blob& blob) { return is_point(blob, "nistp256", 32) && is_application(blob); }},
    {"ssh-rsa", &is_rsa},
};

std::string fingerprint_of(std::string_view blob) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(blob.data()), blob.size(), digest.data());
  return "SHA256:" + encode({reinterpret_cast<const char*>(digest.data()), digest.size()}, false);
}

// The error is a part of a sentence.
std::expected<SshKey, const char*> parse_entry(std::string_view entry) {
  if (std::ranges::any_of(entry, [](char c) { return ascii::is_control(c) && c != '\t'; }))
    return std::unexpected("has a control character");
  const std::string_view name = conf_text::take_word(entry);
  const auto* const type = std::ranges::find(kTypes, name, &Type::name);
  if (type == std::end(kTypes)) return std::unexpected("has options or no permitted type");
  const std::string_view text = conf_text::take_word(entry);
  const auto bytes = decode(text);
  if (!bytes) return std::unexpected("has no valid base64");
  Blob blob(*bytes);
  if (blob.text() != name) return std::unexpected("has a key of another type");
  if (!type->is_sound(blob) || !blob.is_whole())
    return std::unexpected("has a malformed or too short key");
  return SshKey{.line = std::string(name).append(" ").append(text),
                .fingerprint = fingerprint_of(*bytes)};
}

std::string time_text(std::int64_t at) {
  const std::time_t seconds = at;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return {};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%d%H%M%SZ", &parts)};
}

std::optional<std::int64_t> time_of(std::string_view text) {
  if (text.size() != kTimeSize) return std::nullopt;
  std::tm parts{};
  const std::string copy(text);
  const char* const end = ::strptime(copy.c_str(), "%Y%m%d%H%M%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::int64_t at = ::timegm(&parts);
  return time_text(at) == text ? std::optional(at) : std::nullopt;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

ParsedKeys parse_ssh_keys(std::string_view text) {
  ParsedKeys parsed;
  std::size_t faults = 0;
  const auto add_fault = [&](const std::string& fault) {
    if (++faults > kMostFaults) return;
    parsed.faults += (parsed.faults.empty() ? "" : "; ") + fault;
  };
  if (text.size() > kMaxKeysText) {
    add_fault("the attribute is longer than 2,048 characters");
    return parsed;
  }
  for (std::size_t number = 0; !text.empty();) {
    const std::size_t size = std::min(text.find_first_of(",\r\n"), text.size());
    const std::string_view entry = conf_text::trimmed(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
    if (entry.empty()) continue;
    const std::string name = "entry " + std::to_string(++number);
    auto key = parse_entry(entry);
    if (!key) {
      add_fault(name + " " + key.error());
    } else if (std::ranges::find(parsed.keys, *key) != parsed.keys.end()) {
      continue;
    } else if (parsed.keys.size() == kMaxKeys) {
      add_fault(name + " is beyond 20 keys");
    } else {
      parsed.keys.push_back(std::move(*key));
    }
  }
  if (faults > kMostFaults) parsed.faults += "; " + std::to_string(faults - kMostFaults) + " more";
  return parsed;
}

std::string write_key_file(const KeyFile& file) {
  std::string text(kComment);
  for (const SshKey& key : file.keys)
    text.append(kExpiry).append(time_text(file.until)).append("\" ").append(key.line).append("\n");
  return text;
}

std::optional<KeyFile> read_key_file(std::string_view text) {
  KeyFile file;
  if (text.size() > kMaxKeyFile || !take_prefix(text, kComment)) return std::nullopt;
  while (!text.empty()) {
    const std::size_t size = text.find('\n');
    if (size == std::string_view::npos) return std::nullopt;
    std::string_view line = text.substr(0, size);
    text.remove_prefix(size + 1);
    if (!take_prefix(line, kExpiry)) return std::nullopt;
    const auto until = time_of(line.substr(0, std::min(kTimeSize, line.size())));
    if (!until || (!file.keys.empty() && *until != file.until)) return std::nullopt;
    file.until = *until;
    line.remove_prefix(kTimeSize);
    if (!take_prefix(line, "\" ")) return std::nullopt;
    auto key = parse_entry(line);
    if (!key || key->line != line) return std::nullopt;
    file.keys.push_back(std::move(*key));
  }
  return file.keys.empty() ? std::nullopt : std::optional(std::move(file));
}

}  // namespace pamcognito::accounts
