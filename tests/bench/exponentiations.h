#pragma once

#include <openssl/bn.h>

#include <memory>

namespace pamcognito::bench {

// The three modular exponentiations that SRP cannot do without, in bare OpenSSL, constant-time,
// with the Montgomery context made beforehand: g^a and g^x with 256 bits, (B - k g^x)^(a + u x)
// with 512, modulo the 3072-bit prime.
class Exponentiations {
 public:
  Exponentiations();
  // CPU time in microseconds.
  [[nodiscard]] double run() const;

 private:
  struct Free {
    void operator()(BIGNUM* number) const { BN_free(number); }
    void operator()(BN_CTX* context) const { BN_CTX_free(context); }
    void operator()(BN_MONT_CTX* context) const { BN_MONT_CTX_free(context); }
  };
  using Bn = std::unique_ptr<BIGNUM, Free>;
  static Bn random_number(int bits);
  void power(const BIGNUM* base, const BIGNUM* exponent) const;

  std::unique_ptr<BN_CTX, Free> context_;
  std::unique_ptr<BN_MONT_CTX, Free> montgomery_;
  Bn n_;
  Bn g_;
  Bn a_;
  Bn x_;
  Bn base_;
  Bn sum_;
};

}  // namespace pamcognito::bench
