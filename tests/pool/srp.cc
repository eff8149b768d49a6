#include "tests/pool/srp.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>

namespace pamcognito::pool {

namespace {

using Context = std::unique_ptr<BN_CTX, OpensslFree<BN_CTX_free>>;

constexpr size_t kMaxPublicDigits = 768;

Context make_context() {
  Context context(BN_CTX_new());
  require_crypto(context != nullptr, "BN_CTX");
  return context;
}

BigNumber make_number() {
  BigNumber number(BN_new());
  require_crypto(number != nullptr, "BN_new");
  return number;
}

BigNumber copy_of(const BIGNUM* other) {
  BigNumber number(BN_dup(other));
  require_crypto(number != nullptr, "BN_dup");
  return number;
}

BigNumber number_from_bytes(std::string_view bytes) {
  BigNumber number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()), nullptr));
  require_crypto(number != nullptr, "BN_bin2bn");
  return number;
}

const BIGNUM* prime() {
  static const BigNumber kPrime(BN_get_rfc3526_prime_3072(nullptr));
  return kPrime.get();
}

const BIGNUM* generator() {
  static const BigNumber kGenerator = number_from_hex("2");
  return kGenerator.get();
}

// k = H(PAD(N) | PAD(g)).
const BIGNUM* multiplier() {
  static const BigNumber kMultiplier =
      number_from_bytes(sha256(padded(prime()) + padded(generator())));
  return kMultiplier.get();
}

BigNumber power(const BIGNUM* base, const BIGNUM* exponent) {
  BigNumber result = make_number();
  require_crypto(BN_mod_exp(result.get(), base, exponent, prime(), make_context().get()) == 1,
                 "BN_mod_exp");
  return result;
}

BigNumber times(const BIGNUM* a, const BIGNUM* b) {
  BigNumber result = make_number();
  require_crypto(BN_mod_mul(result.get(), a, b, prime(), make_context().get()) == 1, "BN_mod_mul");
  return result;
}

BigNumber plus(const BIGNUM* a, const BIGNUM* b) {
  BigNumber result = make_number();
  require_crypto(BN_mod_add(result.get(), a, b, prime(), make_context().get()) == 1, "BN_mod_add");
  return result;
}

bool all_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

}  // namespace

std::string padded(const BIGNUM* number) {
  if (BN_is_zero(number)) return std::string(1, '\0');
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  if (BN_num_bits(number) % 8 == 0) bytes.insert(bytes.begin(), '\0');
  return bytes;
}

std::string number_hex(const BIGNUM* number) {
  const std::string hex = hex_encode(padded(number));
  const size_t first = hex.find_first_not_of('0');
  return first == std::string::npos ? "0" : hex.substr(first);
}

BigNumber number_from_hex(std::string_view hex) {
  BIGNUM* number = nullptr;
  require_crypto(BN_hex2bn(&number, std::string(hex).c_str()) > 0, "BN_hex2bn");
  return BigNumber(number);
}

BigNumber parse_public_value(std::string_view hex) {
  if (hex.empty() || hex.size() > kMaxPublicDigits || !all_hex(hex)) return nullptr;
  BigNumber number = number_from_hex(hex);
  BigNumber remainder = make_number();
  require_crypto(BN_nnmod(remainder.get(), number.get(), prime(), make_context().get()) == 1,
                 "BN_nnmod");
  if (BN_is_zero(remainder.get())) return nullptr;
  return number;
}

SrpVerifier make_verifier(std::string_view pool_name, std::string_view username,
                          std::string_view password, std::string_view salt) {
  std::string identity(pool_name);
  identity.append(username).append(":").append(password);
  SrpVerifier made;
  made.salt = number_from_bytes(salt);
  const BigNumber x = number_from_bytes(sha256(padded(made.salt.get()) + sha256(identity)));
  made.verifier = power(generator(), x.get());
  return made;
}

SrpVerifier fake_verifier(std::string_view seed) {
  SrpVerifier made;
  made.salt = number_from_bytes(hmac_sha256(seed, "salt").substr(0, 16));
  const BigNumber x = number_from_bytes(hmac_sha256(seed, "verifier"));
  made.verifier = power(generator(), x.get());
  return made;
}

SrpExchange::SrpExchange(const SrpVerifier& verifier)
    : SrpExchange(verifier, hex_encode(random_bytes(32))) {}

SrpExchange::SrpExchange(const SrpVerifier& verifier, std::string_view b_hex)
    : salt_(copy_of(verifier.salt.get())),
      verifier_(copy_of(verifier.verifier.get())),
      secret_(number_from_hex(b_hex)),
      public_(plus(times(multiplier(), verifier_.get()).get(),
                   power(generator(), secret_.get()).get())) {}

std::string SrpExchange::public_hex() const {
  return number_hex(public_.get());
}

std::string SrpExchange::salt_hex() const {
  return number_hex(salt_.get());
}

// u = H(PAD(A) | PAD(B)).
BigNumber SrpExchange::scrambler(const BIGNUM* client_public) const {
  return number_from_bytes(sha256(padded(client_public) + padded(public_.get())));
}

BigNumber SrpExchange::premaster(const BIGNUM* client_public) const {
  const BigNumber u = scrambler(client_public);
  const BigNumber base = times(client_public, power(verifier_.get(), u.get()).get());
  return power(base.get(), secret_.get());
}

std::string SrpExchange::key(const BIGNUM* client_public) const {
  const std::string salt = padded(scrambler(client_public).get());
  const std::string pseudo_random_key = hmac_sha256(salt, padded(premaster(client_public).get()));
  return hmac_sha256(pseudo_random_key, std::string("Caldera Derived Key") + '\x01').substr(0, 16);
}

std::string claim_signature(std::string_view key, std::string_view pool_name,
                            std::string_view user_id, std::string_view secret_block,
                            std::string_view timestamp) {
  std::string message(pool_name);
  message.append(user_id).append(secret_block).append(timestamp);
  return base64_encode(hmac_sha256(key, message));
}

std::optional<int64_t> parse_timestamp(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                            "Thu", "Fri", "Sat"};
  std::array<char, 4> day_name{};
  std::array<char, 4> month_name{};
  std::tm time{};
  int used = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%3s %3s %2d %2d:%2d:%2d UTC %4d%n", day_name.data(),
                  month_name.data(), &time.tm_mday, &time.tm_hour, &time.tm_min, &time.tm_sec,
                  &time.tm_year, &used) != 7 ||
      static_cast<size_t>(used) != copy.size()) {
    return std::nullopt;
  }
  const auto month = std::ranges::find(kMonths, std::string_view(month_name.data()));
  if (month == kMonths.end()) return std::nullopt;
  time.tm_mon = static_cast<int>(month - kMonths.begin());
  time.tm_year -= 1900;
  const int64_t seconds = timegm(&time);
  if (kDays.at(static_cast<size_t>(time.tm_wday)) != day_name.data()) return std::nullopt;

  // sscanf forgives spaces and missing zeros; only the exact form is accepted.
  std::array<char, 40> exact{};
  (void)std::snprintf(exact.data(), exact.size(), "%s %s %d %02d:%02d:%02d UTC %d", day_name.data(),
                      month_name.data(), time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec,
                      time.tm_year + 1900);
  if (text != exact.data()) return std::nullopt;
  return seconds;
}

}  // namespace pamcognito::pool
