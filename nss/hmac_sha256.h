#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

// HMAC-SHA-256 (RFC 2104, FIPS 180-4) for the uid of a first sign-in. The library that libc loads
// into each process must not need libcrypto, so it has its own. tests/accounts/first_login_test.cc
// compares it with OpenSSL.
namespace pamcognito::accounts {

class Sha256 {
 public:
  static constexpr std::size_t kBlock = 64;
  static constexpr std::size_t kSize = 32;

  void add(const void* data, std::size_t size) noexcept {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    total_ += size;
    for (std::size_t i = 0; i < size; ++i) {
      block_[used_++] = bytes[i];
      if (used_ == kBlock) take_block();
    }
  }

  void finish(std::uint8_t (&digest)[kSize]) noexcept {
    const std::uint64_t bits = total_ * 8;
    constexpr std::uint8_t end = 0x80;
    constexpr std::uint8_t zero = 0;
    add(&end, 1);
    while (used_ != kBlock - sizeof(bits)) add(&zero, 1);
    for (std::size_t i = sizeof(bits); i-- > 0;) {
      const auto byte = static_cast<std::uint8_t>(bits >> (8 * i));
      add(&byte, 1);
    }
    for (std::size_t i = 0; i < kSize; ++i)
      digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (8 * (3 - i % 4)));
  }

 private:
  static std::uint32_t rotated(std::uint32_t value, unsigned bits) noexcept {
    return value >> bits | value << (32 - bits);
  }

  void take_block() noexcept {
    std::uint32_t words[64];
    for (std::size_t i = 0; i < 16; ++i)
      words[i] = std::uint32_t{block_[4 * i]} << 24U | std::uint32_t{block_[4 * i + 1]} << 16U |
                 std::uint32_t{block_[4 * i + 2]} << 8U | std::uint32_t{block_[4 * i + 3]};
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t near = words[i - 2];
      const std::uint32_t far = words[i - 15];
      words[i] = words[i - 16] + (rotated(far, 7) ^ rotated(far, 18) ^ far >> 3U) + words[i - 7] +
                 (rotated(near, 17) ^ rotated(near, 19) ^ near >> 10U);
    }
    std::uint32_t s[8];
    std::memcpy(s, state_, sizeof(s));
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t one = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) +
                                ((s[4] & s[5]) ^ (~s[4] & s[6])) + kRound[i] + words[i];
      const std::uint32_t two = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) +
                                ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
      for (std::size_t j = 7; j > 0; --j) s[j] = s[j - 1];
      s[4] += one;
      s[0] = one + two;
    }
    for (std::size_t i = 0; i < 8; ++i) state_[i] += s[i];
    used_ = 0;
  }

  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  static constexpr std::uint32_t kRound[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
      0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
      0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
      0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
      0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
      0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
      0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
      0xc67178f2};

  // The same of the square roots of the first 8 primes.
  std::uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::uint8_t block_[kBlock] = {};
  std::size_t used_ = 0;
  std::uint64_t total_ = 0;
};

// HMAC with a key of at most one block; the caller wipes its key. The object has parts of the key
// until wipe().
class HmacSha256 {
 public:
  HmacSha256(const std::uint8_t* key, std::size_t size) noexcept {
    for (std::size_t i = 0; i < Sha256::kBlock; ++i) {
      const std::uint8_t byte = i < size ? key[i] : 0;
      const auto inner = static_cast<std::uint8_t>(byte ^ 0x36U);
      const auto outer = static_cast<std::uint8_t>(byte ^ 0x5cU);
      inner_.add(&inner, 1);
      outer_.add(&outer, 1);
    }
  }
  void add(const void* data, std::size_t size) noexcept { inner_.add(data, size); }
  void finish(std::uint8_t (&digest)[Sha256::kSize]) noexcept {
    inner_.finish(digest);
    outer_.add(digest, sizeof(digest));
    outer_.finish(digest);
  }
  void wipe() noexcept { explicit_bzero(this, sizeof(*this)); }

 private:
  Sha256 inner_;
  Sha256 outer_;
};

}  // namespace pamcognito::accounts
