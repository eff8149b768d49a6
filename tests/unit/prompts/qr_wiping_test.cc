// After a QR code was made, no copy of the secret is left in memory that was given back: neither
// its letters nor the bits that libqrencode makes of them.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "daemon/prompts/qr.h"
#include "tests/cmocka_cpp.h"

#if defined(__SANITIZE_ADDRESS__)
#define PAM_COGNITO_OTHER_MALLOC true
#elif defined(__has_feature)
#define PAM_COGNITO_OTHER_MALLOC __has_feature(address_sanitizer)
#else
#define PAM_COGNITO_OTHER_MALLOC false
#endif

namespace {

using namespace pamcognito;

constexpr std::size_t kSecretSize = 52;
// A part that is long enough not to be found by chance.
constexpr std::size_t kPart = 12;

// The secret never stands whole in the program, and what looks for it compares letter by letter.
char letter(std::size_t i) {
  return "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(i * 7 + 3) % 32];
}

__attribute__((noinline)) std::string secret() {
  std::string letters(kSecretSize, '\0');
  for (std::size_t i = 0; i < kSecretSize; ++i) letters[i] = letter(i);
  return letters;
}

// The alphanumeric mode of ISO/IEC 18004 gives a pair of letters eleven bits.
bool bit(std::size_t i) {
  const auto value = [](char c) { return c >= 'A' ? c - 'A' + 10 : c - '0'; };
  const std::size_t pair = i / 11;
  const int bits = value(letter(2 * pair)) * 45 + value(letter(2 * pair + 1));
  return (bits >> (10 - i % 11) & 1) != 0;
}

bool has_letters(std::string_view memory, std::size_t at) {
  for (std::size_t i = 0; i < kPart; ++i) {
    if (memory[at + i] != letter(20 + i)) return false;
  }
  return true;
}

bool has_bits(std::string_view memory, std::size_t at) {
  for (std::size_t i = 0; i < 6 * kPart; ++i) {
    if (memory[at + i] != (bit(110 + i) ? '\1' : '\0')) return false;
  }
  return true;
}

// Outside the heap, or it would find itself.
std::array<char, 8UL * 1024 * 1024> heap_copy;

std::string_view heap() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with("[heap]")) continue;
    unsigned long from = 0;
    unsigned long to = 0;
    assert_int_equal(std::sscanf(line.c_str(), "%lx-%lx", &from, &to), 2);
    assert_true(to - from <= heap_copy.size());
    const Fd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
    const auto got = ::pread(memory.get(), heap_copy.data(), to - from, static_cast<off_t>(from));
    assert_int_equal(got, to - from);
    return {heap_copy.data(), to - from};
  }
  return {};
}

std::size_t copies() {
  const std::string_view memory = heap();
  assert_false(memory.empty());
  std::size_t found = 0;
  for (std::size_t at = 0; at + 6 * kPart <= memory.size(); ++at) {
    if (has_letters(memory, at) || has_bits(memory, at)) ++found;
  }
  return found;
}

void nothing_of_the_secret_stays(void**) {
  if (PAM_COGNITO_OTHER_MALLOC) {
    print_message("not under the address sanitizer, whose allocator is another one\n");
    return;
  }
  // Small and large: glibc keeps freed blocks of up to 1032 bytes apart from the others.
  for (const std::size_t account_size : {5UL, 200UL}) {
    {
      const std::string held = secret();
      assert_int_equal(copies(), 1);
      const std::string uri = prompts::otpauth_uri(held, "Cognito", std::string(account_size, 'a'));
      assert_false(prompts::qr_code(uri, policy::Qr::half_blocks).empty());
      assert_int_equal(copies(), 2);
    }
    assert_int_equal(copies(), 0);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(nothing_of_the_secret_stays)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
