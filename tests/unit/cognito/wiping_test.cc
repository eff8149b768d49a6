#include "daemon/runtime/wiping.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"
#include "daemon/cognito/json.h"
#include "tests/cmocka_cpp.h"

// clang's address sanitizer keeps locals elsewhere by default, and they are the stack's here.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "detect_stack_use_after_return=0";
}

namespace pamcognito::test {
namespace {

// The word never stands whole in the program: it is put together where a test plants it.
constexpr std::size_t kWordSize = 32;
void put_word(char* where, char seed) {
  for (std::size_t i = 0; i < kWordSize; ++i)
    where[i] = static_cast<char>(seed + static_cast<char>(i % 23));
}

// Reads what stands at an address without the program's own eyes, so that neither the compiler nor
// the address sanitizer has a say in whether freed memory may be looked at.
std::string memory_at(const void* address, std::size_t size) {
  const Fd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  std::string bytes(size, '\0');
  const auto read = ::pread(memory.get(), bytes.data(), size,
                            static_cast<off_t>(reinterpret_cast<std::uintptr_t>(address)));
  bytes.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
  return bytes;
}

// Was the word in the middle of a block wiped? (malloc writes to the ends of a free block.)
constexpr std::size_t kBlock = 512;
constexpr std::size_t kMiddle = 256;

bool word_is_gone(std::uintptr_t block, char seed) {
  std::string word(kWordSize, '\0');
  put_word(word.data(), seed);
  return memory_at(reinterpret_cast<const void*>(block + kMiddle), kWordSize) != word;
}

template <class Allocate, class Release>
void assert_wiped(Allocate allocate, Release release, char seed) {
  void* block = allocate(kBlock);
  assert_non_null(block);
  put_word(static_cast<char*>(block) + kMiddle, seed);
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  assert_false(word_is_gone(address, seed));
  release(block);
  assert_true(word_is_gone(address, seed));
}

void operator_delete_wipes(void**) {
  assert_wiped([](std::size_t size) { return ::operator new(size); },
               [](void* block) { ::operator delete(block); }, 'a');
  assert_wiped([](std::size_t size) { return ::operator new[](size); },
               [](void* block) { ::operator delete[](block); }, 'b');
  assert_wiped([](std::size_t size) { return ::operator new(size, std::align_val_t(128)); },
               [](void* block) { ::operator delete(block, std::align_val_t(128)); }, 'c');
  assert_wiped([](std::size_t size) { return ::operator new(size, std::nothrow); },
               [](void* block) { ::operator delete(block, kBlock); }, 'd');
}

void openssl_wipes(void**) {
  assert_wiped([](std::size_t size) { return OPENSSL_malloc(size); },
               [](void* block) { OPENSSL_free(block); }, 'e');
  std::vector<void*> grown;
  assert_wiped([](std::size_t size) { return OPENSSL_malloc(size); },
               [&](void* block) { grown.push_back(OPENSSL_realloc(block, 100000)); }, 'f');
  std::string word(kWordSize, '\0');
  put_word(word.data(), 'f');
  assert_memory_equal(static_cast<char*>(grown[0]) + kMiddle, word.data(), kWordSize);
  OPENSSL_free(grown[0]);
}

void curl_wipes(void**) {
  std::string text(kBlock, 'x');
  put_word(text.data() + kMiddle, 'g');
  CURL* easy = curl_easy_init();
  char* escaped = curl_easy_escape(easy, text.data(), static_cast<int>(text.size()));
  const auto address = reinterpret_cast<std::uintptr_t>(escaped);
  assert_non_null(escaped);
  const std::string before = memory_at(escaped + kMiddle, kWordSize);
  curl_free(escaped);
  assert_true(memory_at(reinterpret_cast<void*>(address + kMiddle), kWordSize) != before);
  curl_easy_cleanup(easy);
}

void parsed_json_is_wiped(void**) {
  std::string text = "{\"a\":\"" + std::string(kBlock, 'x') + "\"}";
  put_word(text.data() + 6 + kMiddle, 'A');
  std::uintptr_t address = 0;
  {
    const auto document = cognito::parse_json_object(text);
    assert_true(document.has_value());
    address = reinterpret_cast<std::uintptr_t>(document->root()["a"].asCString());
    assert_false(word_is_gone(address, 'A'));
  }
  assert_true(word_is_gone(address, 'A'));
}

void written_json_is_wiped(void**) {
  constexpr std::string_view before = R"({"Password":")";
  std::string password(kBlock, 'x');
  put_word(password.data() + kMiddle, 'B');
  std::uintptr_t address = 0;
  {
    const std::string body = cognito::JsonObjectWriter().add("Password", password).finish();
    address = reinterpret_cast<std::uintptr_t>(body.data()) + before.size();
    assert_false(word_is_gone(address, 'B'));
  }
  assert_true(word_is_gone(address, 'B'));
}

// At the deep end of a large frame, where what looks for it does not reach.
__attribute__((noinline)) void leave_a_word_on_the_stack(std::uintptr_t* address) {
  volatile char text[16UL * 1024];
  for (std::size_t i = 0; i < kWordSize; ++i)
    text[kMiddle + i] = static_cast<char>('P' + static_cast<char>(i % 23));
  *address = reinterpret_cast<std::uintptr_t>(&text[0]);
}

void the_stack_is_wiped(void**) {
  std::uintptr_t address = 0;
  leave_a_word_on_the_stack(&address);
  assert_false(word_is_gone(address, 'P'));
  runtime::wipe_stack();
  assert_true(word_is_gone(address, 'P'));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  if (!pamcognito::runtime::install_wiping_allocators()) return 1;
  const CMUnitTest tests[] = {
      cmocka_unit_test(operator_delete_wipes),
      cmocka_unit_test(openssl_wipes),
      cmocka_unit_test(curl_wipes),
      cmocka_unit_test(parsed_json_is_wiped),
      cmocka_unit_test(written_json_is_wiped),
      cmocka_unit_test(the_stack_is_wiped),
  };
  return cmocka_run_group_tests_name("wiping", tests, nullptr, nullptr);
}
