#include "daemon/cognito/srp.h"

#include <array>
#include <cstdio>
#include <span>
#include <utility>

#include "daemon/cognito/base64.h"
#include "daemon/cognito/bounds.h"

namespace pamcognito::cognito::srp {
namespace {

constexpr int kPrivateBits = 256;
constexpr int kMaxPrivateBits = 2048;  // of a test vector

std::string base64_of(const std::string& bytes) {
  return base64_encode({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

}  // namespace

KeyPair::KeyPair(Bn private_number, Bn public_number, std::string public_hex)
    : private_(std::move(private_number)),
      public_(std::move(public_number)),
      public_hex_(std::move(public_hex)) {}

std::expected<KeyPair, SrpError> KeyPair::from_private(Bn private_number) {
  auto public_number = power_of_generator(private_number.get());
  if (!public_number) return std::unexpected(public_number.error());
  auto hex = hex_of(public_number->get());
  if (!hex) return std::unexpected(hex.error());
  return KeyPair(std::move(private_number), std::move(*public_number), std::move(*hex));
}

std::expected<KeyPair, SrpError> KeyPair::generate() {
  Bn number(BN_new());
  if (!number ||
      BN_priv_rand(number.get(), kPrivateBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1) {
    return std::unexpected(SrpError::internal);
  }
  return from_private(std::move(number));
}

std::expected<KeyPair, SrpError> KeyPair::from_private_hex(std::string_view hex) {
  auto number = number_from_hex(hex, kMaxPrivateBits);
  if (!number) return std::unexpected(number.error());
  return from_private(std::move(*number));
}

std::expected<std::string, SrpError> password_claim_signature(const KeyPair& pair,
                                                              const Identity& identity,
                                                              const ServerChallenge& challenge,
                                                              std::string_view timestamp) {
  const auto salt = number_from_hex(challenge.salt_hex, kMaxSaltBits);
  const auto b_public = number_from_hex(challenge.b_hex, kGroupBits);
  if (!salt || !b_public) return std::unexpected(SrpError::bad_server_value);
  if (challenge.secret_block.empty() || challenge.secret_block.size() > kMaxSecretBlock) {
    return std::unexpected(SrpError::bad_server_value);
  }
  const auto secret_block = base64_decode_lenient(challenge.secret_block);
  if (!secret_block) return std::unexpected(SrpError::bad_server_value);

  const auto u = scrambling(pair.public_number(), b_public->get());
  if (!u) return std::unexpected(u.error());
  const auto x = private_exponent(salt->get(), identity.group, identity.user, identity.password);
  if (!x) return std::unexpected(x.error());
  const auto secret = shared_secret(pair.private_number(), b_public->get(), u->get(), x->get());
  if (!secret) return std::unexpected(secret.error());
  const auto key = derive_key(secret->get(), u->get());
  if (!key) return std::unexpected(key.error());

  const auto signature = hmac_sha256(key->view().substr(0, kKeyBytes),
                                     {identity.group, identity.user, *secret_block, timestamp});
  if (!signature) return std::unexpected(SrpError::internal);
  return base64_encode(signature->bytes());
}

std::string timestamp(std::time_t now) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  if (gmtime_r(&now, &utc) == nullptr) return {};
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%s %s %d %02d:%02d:%02d UTC %d",
                                 kDays[static_cast<std::size_t>(utc.tm_wday)],
                                 kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_mday,
                                 utc.tm_hour, utc.tm_min, utc.tm_sec, utc.tm_year + 1900);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::expected<DeviceVerifier, SrpError> device_verifier(std::string_view device_group_key,
                                                        std::string_view device_key,
                                                        std::string_view device_password,
                                                        std::span<const unsigned char> salt) {
  const Bn salt_number(BN_bin2bn(salt.data(), static_cast<int>(salt.size()), nullptr));
  if (!salt_number) return std::unexpected(SrpError::internal);
  const auto x = private_exponent(salt_number.get(), device_group_key, device_key, device_password);
  if (!x) return std::unexpected(x.error());
  const auto verifier = power_of_generator(x->get());
  if (!verifier) return std::unexpected(verifier.error());
  return DeviceVerifier{base64_of(pad(salt_number.get())), base64_of(pad(verifier->get()))};
}

}  // namespace pamcognito::cognito::srp
