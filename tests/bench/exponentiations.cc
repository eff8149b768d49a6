#include "tests/bench/exponentiations.h"

#include "tests/bench/measure.h"

namespace pamcognito::bench {

Exponentiations::Exponentiations()
    : context_(BN_CTX_new()),
      montgomery_(BN_MONT_CTX_new()),
      n_(BN_get_rfc3526_prime_3072(nullptr)),
      g_(BN_new()),
      a_(random_number(256)),
      x_(random_number(256)),
      base_(random_number(3071)),
      sum_(random_number(512)) {
  if (BN_set_word(g_.get(), 2) != 1 ||
      BN_MONT_CTX_set(montgomery_.get(), n_.get(), context_.get()) != 1)
    throw Failed("OpenSSL cannot set up the group");
}

Exponentiations::Bn Exponentiations::random_number(int bits) {
  Bn number(BN_new());
  if (!number || BN_rand(number.get(), bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1)
    throw Failed("OpenSSL gives no random number");
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  return number;
}

void Exponentiations::power(const BIGNUM* base, const BIGNUM* exponent) const {
  const Bn result(BN_new());
  if (BN_mod_exp_mont_consttime(result.get(), base, exponent, n_.get(), context_.get(),
                                montgomery_.get()) != 1)
    throw Failed("BN_mod_exp_mont_consttime");
}

double Exponentiations::run() const {
  const double before = own_cpu_time();
  power(g_.get(), a_.get());
  power(g_.get(), x_.get());
  power(base_.get(), sum_.get());
  return own_cpu_time() - before;
}

}  // namespace pamcognito::bench
