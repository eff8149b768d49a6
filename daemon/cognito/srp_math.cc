#include "daemon/cognito/srp_math.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "common/ascii.h"
#include "common/secret.h"

namespace pamcognito::cognito::srp {
namespace {

std::unexpected<SrpError> internal() {
  return std::unexpected(SrpError::internal);
}
std::unexpected<SrpError> bad_value() {
  return std::unexpected(SrpError::bad_server_value);
}

bool is_hex(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return ascii::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

Bn number_from_digest(const Digest& digest) {
  return Bn(BN_bin2bn(digest.bytes().data(), static_cast<int>(digest.bytes().size()), nullptr));
}

// Bytes that may be secret, wiped when they go.
class WipedBytes {
 public:
  explicit WipedBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  WipedBytes(const WipedBytes&) = delete;
  WipedBytes& operator=(const WipedBytes&) = delete;
  ~WipedBytes() { wipe(bytes_); }
  [[nodiscard]] std::string_view view() const { return bytes_; }

 private:
  std::string bytes_;
};

// Values that depend on N and g alone, made once. The Montgomery context saves its set-up at each
// power.
struct Group {
  Bn n;
  Bn g;
  Bn k_montgomery;  // k R mod N, so that one Montgomery multiplication gives k times a number
  std::unique_ptr<BN_MONT_CTX, ClearFree> montgomery;
};

std::optional<Group> make_group() {
  const BnContext context(BN_CTX_new());
  Group group{Bn(BN_get_rfc3526_prime_3072(nullptr)), Bn(BN_new()), Bn(BN_new()), {}};
  group.montgomery.reset(BN_MONT_CTX_new());
  if (!context || !group.n || !group.g || !group.k_montgomery || !group.montgomery ||
      BN_set_word(group.g.get(), 2) != 1 ||
      BN_MONT_CTX_set(group.montgomery.get(), group.n.get(), context.get()) != 1) {
    return std::nullopt;
  }
  const auto k_digest = sha256({pad(group.n.get()), pad(group.g.get())});
  if (!k_digest) return std::nullopt;
  const Bn k = number_from_digest(*k_digest);
  if (!k || BN_to_montgomery(group.k_montgomery.get(), k.get(), group.montgomery.get(),
                             context.get()) != 1) {
    return std::nullopt;
  }
  return group;
}

const Group* the_group() {
  static const std::optional<Group> group = make_group();
  return group ? &*group : nullptr;
}

BnResult secret_power(const BIGNUM* base, BIGNUM* exponent, const Group& group, BN_CTX* context) {
  Bn result(BN_new());
  BN_set_flags(exponent, BN_FLG_CONSTTIME);
  if (!result || BN_mod_exp_mont_consttime(result.get(), base, exponent, group.n.get(), context,
                                           group.montgomery.get()) != 1) {
    return internal();
  }
  return result;
}

}  // namespace

BnResult number_from_hex(std::string_view hex, int max_bits) {
  const auto max_digits = static_cast<std::size_t>(max_bits) / 4 + 2;
  if (!is_hex(hex) || hex.size() > max_digits) return bad_value();
  BIGNUM* parsed = nullptr;
  if (BN_hex2bn(&parsed, std::string(hex).c_str()) != static_cast<int>(hex.size())) {
    BN_clear_free(parsed);
    return internal();
  }
  Bn number(parsed);
  if (BN_num_bits(number.get()) > max_bits) return bad_value();
  return number;
}

std::expected<std::string, SrpError> hex_of(const BIGNUM* number) {
  char* text = BN_bn2hex(number);
  if (text == nullptr) return internal();
  const std::string hex = ascii::lower(text);
  OPENSSL_free(text);
  const auto first = std::min(hex.find_first_not_of('0'), hex.size() - 1);
  return hex.substr(first);
}

std::string pad(const BIGNUM* number) {
  const auto bits = static_cast<std::size_t>(BN_num_bits(number));
  std::string bytes(bits / 8 + 1,
                    '\0');  // one byte more than needed if the top bit is set, or zero
  (void)BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
                     static_cast<int>(bytes.size()));
  return bytes;
}

BnResult power_of_generator(BIGNUM* exponent) {
  const Group* group = the_group();
  const BnContext context(BN_CTX_new());
  if (group == nullptr || !context) return internal();
  return secret_power(group->g.get(), exponent, *group, context.get());
}

BnResult scrambling(const BIGNUM* a_public, const BIGNUM* b_public) {
  const auto digest = sha256({pad(a_public), pad(b_public)});
  if (!digest) return internal();
  Bn u = number_from_digest(*digest);
  if (!u) return internal();
  if (BN_is_zero(u.get())) return bad_value();
  return u;
}

BnResult private_exponent(const BIGNUM* salt, std::string_view group, std::string_view user,
                          std::string_view password) {
  const auto inner = sha256({group, user, ":", password});
  if (!inner) return internal();
  const auto outer = sha256({pad(salt), inner->view()});
  if (!outer) return internal();
  Bn x = number_from_digest(*outer);
  if (!x) return internal();
  return x;
}

BnResult shared_secret(const BIGNUM* a, const BIGNUM* b_public, const BIGNUM* u, BIGNUM* x) {
  const Group* group = the_group();
  const BnContext context(BN_CTX_new());
  if (group == nullptr || !context) return internal();
  const Bn b_reduced(BN_new());
  const Bn kgx(BN_new());
  const Bn base(BN_new());
  const Bn exponent(BN_new());
  if (!b_reduced || !kgx || !base || !exponent ||
      BN_nnmod(b_reduced.get(), b_public, group->n.get(), context.get()) != 1) {
    return internal();
  }
  if (BN_is_zero(b_reduced.get())) return bad_value();

  const auto gx = secret_power(group->g.get(), x, *group, context.get());
  if (!gx) return internal();
  if (BN_mod_mul_montgomery(kgx.get(), gx->get(), group->k_montgomery.get(),
                            group->montgomery.get(), context.get()) != 1 ||
      BN_mod_sub_quick(base.get(), b_reduced.get(), kgx.get(), group->n.get()) != 1 ||
      BN_mul(exponent.get(), u, x, context.get()) != 1 ||
      BN_add(exponent.get(), exponent.get(), a) != 1) {
    return internal();
  }
  return secret_power(base.get(), exponent.get(), *group, context.get());
}

std::expected<Digest, SrpError> derive_key(const BIGNUM* secret, const BIGNUM* u) {
  const WipedBytes padded_secret(pad(secret));
  const auto extracted = hmac_sha256(pad(u), {padded_secret.view()});
  if (!extracted) return internal();
  const auto expanded = hmac_sha256(extracted->view(), {"Caldera Derived Key", "\x01"});
  if (!expanded) return internal();
  return *expanded;
}

}  // namespace pamcognito::cognito::srp
