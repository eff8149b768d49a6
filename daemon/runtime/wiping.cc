#include "daemon/runtime/wiping.h"

#include <curl/curl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <string.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// The usable size may exceed what was asked for; malloc(3) lets the program write all of it, and a
// grown block may have data there.
void wiping_free(void* block) noexcept {
  if (block == nullptr) return;
  explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

// realloc() would leave the old block as it is when it moves the data.
void* wiping_realloc(void* block, std::size_t size) noexcept {
  if (block == nullptr) return std::malloc(size);
  if (size == 0) {
    wiping_free(block);
    return nullptr;
  }
  const std::size_t old_size = malloc_usable_size(block);
  if (size <= old_size && size >= old_size / 2) return block;
  void* moved = std::malloc(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, old_size < size ? old_size : size);
  wiping_free(block);
  return moved;
}

char* copy_string(const char* text) noexcept {
  return ::strdup(text);
}

void* openssl_malloc(std::size_t size, const char*, int) {
  return std::malloc(size);
}
void* openssl_realloc(void* block, std::size_t size, const char*, int) {
  return wiping_realloc(block, size);
}
void openssl_free(void* block, const char*, int) {
  wiping_free(block);
}

void* allocate(std::size_t size) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
  void* block = nullptr;
  const int failed =
      ::posix_memalign(&block, static_cast<std::size_t>(alignment), size == 0 ? 1 : size);
  return failed == 0 ? block : nullptr;
}

// The daemon sets no new-handler, which would have to be called here.
template <class... Arguments>
void* allocate_or_throw(Arguments... arguments) {
  void* block = allocate(arguments...);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

// All the replaceable forms ([new.delete]), so that a library's own form never frees a block of
// these.
void* operator new(std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new[](std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, alignment);
}

void operator delete(void* block) noexcept {
  wiping_free(block);
}
void operator delete[](void* block) noexcept {
  wiping_free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  wiping_free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  wiping_free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  wiping_free(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  wiping_free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  wiping_free(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  wiping_free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  wiping_free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  wiping_free(block);
}
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  wiping_free(block);
}
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  wiping_free(block);
}

namespace pamcognito::runtime {

bool install_wiping_allocators() {
  // OpenSSL first: starting libcurl makes it allocate.
  const bool openssl = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
  const bool curl = curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wiping_free,
                                         wiping_realloc, copy_string, std::calloc) == CURLE_OK;
  return openssl && curl;
}

__attribute__((noinline)) void wipe_stack() noexcept {
  std::array<char, 64UL * 1024> below;
  explicit_bzero(below.data(), below.size());
}

}  // namespace pamcognito::runtime
