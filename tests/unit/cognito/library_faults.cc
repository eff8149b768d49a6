#include "tests/unit/cognito/library_faults.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <thread>

using pamcognito::test::bind_error;
using pamcognito::test::bundles_opened;
using pamcognito::test::connect_error;
using pamcognito::test::name_is_known;
using pamcognito::test::sendto_error;
using pamcognito::test::waiting_for_name;

extern "C" __attribute__((visibility("default"))) int connect(int socket, const sockaddr* address,
                                                              socklen_t size) {
  if (connect_error != 0 && (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
    errno = connect_error;
    return -1;
  }
  using Function = int (*)(int, const sockaddr*, socklen_t);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "connect"));
  return next(socket, address, size);
}

extern "C" __attribute__((visibility("default"))) int bind(int socket, const sockaddr* address,
                                                           socklen_t size) {
  if (bind_error != 0) {
    errno = bind_error;
    return -1;
  }
  using Function = int (*)(int, const sockaddr*, socklen_t);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "bind"));
  return next(socket, address, size);
}

extern "C" __attribute__((visibility("default"))) ssize_t sendto(int socket, const void* bytes,
                                                                 size_t count, int flags,
                                                                 const sockaddr* address,
                                                                 socklen_t size) {
  if (sendto_error != 0) {
    errno = sendto_error;
    return -1;
  }
  using Function = ssize_t (*)(int, const void*, size_t, int, const sockaddr*, socklen_t);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "sendto"));
  return next(socket, bytes, count, flags, address, size);
}

extern "C" __attribute__((visibility("default"))) FILE* fopen64(const char* path,
                                                                const char* mode) {
  if (std::string_view(path).find("/etc/ssl/") == 0) ++bundles_opened;
  using Function = FILE* (*)(const char*, const char*);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "fopen64"));
  return next(path, mode);
}

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* name,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** result) {
  if (std::string_view(name) == "unknown.example.com") return EAI_AGAIN;
  if (std::string_view(name) == "slow.example.com") {
    ++waiting_for_name;
    while (!name_is_known) std::this_thread::yield();
    --waiting_for_name;
    return EAI_NONAME;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(name, service, hints, result);
}
